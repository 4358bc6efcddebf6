//! Warnings for people, one sentence each, as `kioskctl status` shows them. Bounded: a device that fails every second
//! must not fill the memory.

/// So many are remembered; old ones go first.
pub const MAX_PROBLEMS: usize = 32;

/// The warnings since the start, the newest last.
#[derive(Debug, Clone, Default)]
pub struct Problems(Vec<String>);

impl Problems {
    /// Those of the start. What is beyond [`MAX_PROBLEMS`] is left out.
    pub fn new(mut list: Vec<String>) -> Self {
        list.truncate(MAX_PROBLEMS);
        Self(list)
    }

    /// Remembers one, unless it is the newest already.
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
    /// Forgets the others: what they were about is mended, or looked at anew.
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
