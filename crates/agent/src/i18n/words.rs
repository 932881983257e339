//! Words that are said once and may be read in either language, on a screen whose language
//! changes, and by machines, which are told in English always.

use super::Language;

/// The same words in both languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// For the screen.
    pub french: String,
    /// For the screen, and for events and reports.
    pub english: String,
}

impl Words {
    /// From both.
    #[must_use]
    pub fn new(french: impl Into<String>, english: impl Into<String>) -> Self {
        Self {
            french: french.into(),
            english: english.into(),
        }
    }

    /// From what is said in each language.
    #[must_use]
    pub fn of(says: impl Fn(Language) -> String) -> Self {
        Self::new(says(Language::French), says(Language::English))
    }

    /// A text that comes from elsewhere, in whatever language it is.
    #[must_use]
    pub fn verbatim(text: impl Into<String>) -> Self {
        let text = text.into();
        Self::new(text.clone(), text)
    }

    /// Several, one after the other.
    #[must_use]
    pub fn joined(all: &[Self], between: &str) -> Self {
        Self::of(|language| {
            let all: Vec<&str> = all.iter().map(|words| words.says(language)).collect();
            all.join(between)
        })
    }

    /// In this language.
    #[must_use]
    pub fn says(&self, language: Language) -> &str {
        match language {
            Language::French => &self.french,
            Language::English => &self.english,
        }
    }
}
