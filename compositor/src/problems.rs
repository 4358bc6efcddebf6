//! Warnings for people, one sentence each, as `kioskctl status` shows them. Bounded: a device that fails every second
//! must not fill the memory.

/// Most warnings kept; the oldest are dropped first.
pub const MAX_PROBLEMS: usize = 32;

/// The warnings since the start, the newest last.
#[derive(Debug, Clone, Default)]
pub struct Problems(Vec<String>);

impl Problems {
    /// Those of the start, at most [`MAX_PROBLEMS`].
    pub fn new(mut list: Vec<String>) -> Self {
        list.truncate(MAX_PROBLEMS);
        Self(list)
    }

    /// Adds one, unless it equals the newest.
    pub fn add(&mut self, text: String) {
        if self.0.last() == Some(&text) {
            return;
        }
        if self.0.len() >= MAX_PROBLEMS {
            self.0.remove(0);
        }
        self.0.push(text);
    }
}

impl Problems {
    /// Removes the others: they are resolved, or checked again.
    pub fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.0.retain(|problem| keep(problem));
    }
}

impl std::ops::Deref for Problems {
    type Target = [String];

    fn deref(&self) -> &[String] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_problems_go_and_the_same_one_is_told_once() {
        let mut problems = Problems::new(vec!["old".into()]);
        for number in 0..MAX_PROBLEMS {
            problems.add(number.to_string());
            problems.add(number.to_string());
        }
        assert_eq!(problems.len(), MAX_PROBLEMS);
        assert_eq!(problems.first().map(String::as_str), Some("0"));
    }
}
