//! Logs what pages request and are denied, to explain why nothing happens. Repeated requests are logged ever more
//! rarely.

/// Requests of a kind that are logged one by one.
const FIRST: u64 = 5;

/// What a page asks the browser for and does not get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Feature {
    /// `print()`.
    Print,
    /// A file of the device, to be uploaded.
    Upload,
    /// The same again as soon as the visitor was rid of the last one.
    UploadAgain,
    /// A folder of the device, or a file otherwise than by an input.
    Picker,
    /// A PDF in the page's own place.
    Pdf,
}

impl Feature {
    fn description(self) -> (&'static str, &'static str) {
        match self {
            Feature::Print => ("print", "browser.printing is \"none\""),
            Feature::Upload => ("choose a file", "browser.uploads is \"none\""),
            Feature::UploadAgain => ("choose a file", "a visitor has just left the last choice"),
            Feature::Picker => ("choose a folder or open a file", "browser.uploads is for files of <input type=file>"),
            Feature::Pdf => {
                ("show a PDF", "there is no way back from it; browser.new-windows = \"popup\" shows it above the page")
            }
        }
    }
}

/// How often it was for nothing.
#[derive(Debug, Default)]
pub(super) struct Denied {
    print: u64,
    upload: u64,
    upload_again: u64,
    picker: u64,
    pdf: u64,
}

impl Denied {
    /// A page did not get this.
    pub fn say(&mut self, feature: Feature) {
        let count = match feature {
            Feature::Print => &mut self.print,
            Feature::Upload => &mut self.upload,
            Feature::UploadAgain => &mut self.upload_again,
            Feature::Picker => &mut self.picker,
            Feature::Pdf => &mut self.pdf,
        };
        *count = count.saturating_add(1);
        if *count <= FIRST || count.is_power_of_two() {
            let (wanted, why) = feature.description();
            tracing::info!(wanted, why, count, "page denied");
        }
    }
}
