//! The study file as it was written: TOML values that remember their place.
//!
//! A [`Written`] collects faults instead of stopping at the first, so that one check shows them
//! all. A value that is absent or faulty reads as its default from [`KEYS`](super::keys::KEYS).

use std::cell::RefCell;
use std::ops::{Range, RangeInclusive};

use clap::ValueEnum;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::Fault;
use super::keys::{Absent, KEYS, Section, TABLES, keys_of, nearest};

/// A text of the file and where it stands (bytes).
pub type Placed<T> = (T, Range<usize>);

/// The file's text and the faults found so far.
pub struct Written<'a> {
    file: &'a str,
    text: &'a str,
    faults: RefCell<Vec<Fault>>,
}

impl<'a> Written<'a> {
    /// Starts reading `text`, which came from `file`.
    pub fn new(file: &'a str, text: &'a str) -> Self {
        Written {
            file,
            text,
            faults: RefCell::default(),
        }
    }

    /// Parses the text; `None` (and a fault) where it is no TOML.
    pub fn parse(&self) -> Option<Spanned<DeTable<'a>>> {
        match DeTable::parse(self.text) {
            Ok(table) => Some(table),
            Err(error) => {
                let span = error.span().unwrap_or(0..0);
                self.fault(span, error.message().trim().replace('\n', "; "), None);
                None
            }
        }
    }

    /// Notes a fault.
    pub fn fault(&self, span: Range<usize>, what: impl Into<String>, remedy: Option<String>) {
        let fault = Fault::new(self.file, self.text, span, what, remedy);
        self.faults.borrow_mut().push(fault);
    }

    /// Notes that a name is not known, with the nearest known one.
    pub fn unknown(&self, kind: &str, (name, span): Placed<&str>, known: &[&str]) {
        let remedy = match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => format!("known: {}", known.join(", ")),
        };
        self.fault(span, format!("unknown {kind} \"{name}\""), Some(remedy));
    }

    /// All faults, in the order of the file.
    pub fn into_faults(self) -> Vec<Fault> {
        let mut faults = self.faults.into_inner();
        faults.sort_by_key(|fault| fault.span.offset());
        faults
    }
}

/// One table of the file, read with the keys of its section.
pub struct Table<'w, 'a> {
    written: &'w Written<'a>,
    section: Section,
    table: Option<DeTable<'a>>,
    span: Range<usize>,
}

impl<'w, 'a> Table<'w, 'a> {
    /// A table that stands at `span`; `None` is an empty one. Unknown keys become faults.
    pub fn new(
        written: &'w Written<'a>,
        section: Section,
        table: Option<DeTable<'a>>,
        span: Range<usize>,
    ) -> Self {
        let this = Table {
            written,
            section,
            table,
            span,
        };
        this.refuse_unknown();
        this
    }

    fn refuse_unknown(&self) {
        let mut known: Vec<&str> = keys_of(self.section).map(|key| key.name).collect();
        if self.section == Section::Study {
            known.extend(TABLES);
        }
        for name in self.table.iter().flat_map(|table| table.keys()) {
            let (text, span) = (name.get_ref().as_ref(), name.span());
            if known.contains(&text) {
                continue;
            }
            let remedy = match nearest(text, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => match KEYS.iter().find(|key| key.name == text) {
                    Some(other) => format!("`{text}` belongs to {}", other.section.heading()),
                    None => format!("known keys: {}", known.join(", ")),
                },
            };
            let what = format!("unknown key `{text}` in {}", self.section.heading());
            self.written.fault(span, what, Some(remedy));
        }
    }

    /// Where the table stands.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Where a key's value stands; the table's own place where it is not written.
    pub fn span_of(&self, name: &str) -> Range<usize> {
        self.find(name)
            .map_or_else(|| self.span(), |value| value.span())
    }

    /// Whether the key is written.
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// Whether the key is written and says something else than its default.
    pub fn changed(&self, name: &str) -> bool {
        let default = keys_of(self.section).find(|key| key.name == name);
        let default = default.and_then(|key| match key.absent {
            Absent::Value(literal) => Some(literal),
            Absent::Nothing { .. } => None,
        });
        self.find(name)
            .is_some_and(|value| self.written.text.get(value.span()) != default)
    }

    fn find(&self, name: &str) -> Option<&Spanned<DeValue<'a>>> {
        self.table.as_ref().and_then(|table| table.get(name))
    }

    /// The value as written, else as the default says, else `None`.
    fn value(&self, name: &str) -> Option<Spanned<DeValue<'a>>> {
        self.find(name).cloned().or_else(|| self.default(name))
    }

    fn default(&self, name: &str) -> Option<Spanned<DeValue<'static>>> {
        let key = keys_of(self.section).find(|key| key.name == name)?;
        let Absent::Value(literal) = key.absent else {
            return None;
        };
        let value = DeValue::parse(literal).ok()?.into_inner();
        Some(Spanned::new(self.span(), value))
    }

    /// Reads a value; one that `read` refuses becomes a fault and reads as the default.
    pub fn read<T>(
        &self,
        name: &str,
        read: impl Fn(&Spanned<DeValue<'_>>) -> Option<T>,
    ) -> Option<T> {
        let value = self.value(name)?;
        if let Some(read) = read(&value) {
            return Some(read);
        }
        let accepts = keys_of(self.section).find(|key| key.name == name)?.accepts;
        self.written
            .fault(value.span(), format!("`{name}` must be: {accepts}"), None);
        self.default(name).and_then(|value| read(&value))
    }

    /// A text.
    pub fn text(&self, name: &str) -> Option<Placed<String>> {
        self.read(name, text)
    }

    /// A text, or a list of texts.
    pub fn texts(&self, name: &str) -> Vec<Placed<String>> {
        self.read(name, |value| {
            text(value).map(|one| vec![one]).or_else(|| texts(value))
        })
        .unwrap_or_default()
    }

    /// A list of texts.
    pub fn list(&self, name: &str) -> Vec<Placed<String>> {
        self.read(name, texts).unwrap_or_default()
    }

    /// One of a few words.
    pub fn word<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> Option<T> {
        let (written, span) = self.text(name)?;
        if let Some((_, meaning)) = words.iter().find(|(word, _)| *word == written) {
            return Some(*meaning);
        }
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        self.written.unknown(name, (&written, span), &known);
        self.default(name)
            .and_then(|value| text(&value))
            .and_then(|(default, _)| {
                words
                    .iter()
                    .find(|(word, _)| *word == default)
                    .map(|(_, meaning)| *meaning)
            })
    }

    /// One of the words that a command takes for the same thing.
    pub fn choice<T: ValueEnum + Copy>(&self, name: &str) -> Option<T> {
        let known = T::value_variants().iter();
        let known: Vec<_> = known
            .filter_map(|value| Some((value.to_possible_value()?, *value)))
            .collect();
        let words: Vec<(&str, T)> = known
            .iter()
            .map(|(word, v)| (word.get_name(), *v))
            .collect();
        self.word(name, &words)
    }

    /// A whole number within `range`.
    pub fn whole(&self, name: &str, range: RangeInclusive<u64>) -> Option<u64> {
        self.read(name, |value| whole(value).filter(|n| range.contains(n)))
    }

    /// A finite number within `range`.
    pub fn number(&self, name: &str, range: RangeInclusive<f64>) -> Option<f64> {
        self.read(name, |value| number(value).filter(|n| range.contains(n)))
    }

    /// True or false.
    pub fn yes(&self, name: &str) -> bool {
        self.read(name, |value| value.get_ref().as_bool())
            .unwrap_or(false)
    }

    /// A whole number of at least 1, or `None` for the word.
    pub fn whole_or(&self, name: &str, word: &str) -> Option<u64> {
        self.read(name, |value| match text(value) {
            Some((written, _)) => (written == word).then_some(None),
            None => whole(value).filter(|&n| n >= 1).map(Some),
        })
        .flatten()
    }

    /// A table within this one, read with its section's keys; absent and empty read alike.
    pub fn table(&self, name: &str, section: Section) -> Table<'w, 'a> {
        let (table, span) = match self.find(name) {
            Some(value) => match value.get_ref() {
                DeValue::Table(table) => (Some(table.clone()), value.span()),
                _ => {
                    self.written
                        .fault(value.span(), format!("`{name}` must be a table"), None);
                    (None, value.span())
                }
            },
            None => (None, self.span()),
        };
        Table::new(self.written, section, table, span)
    }

    /// The tables within this one, by name, in the order of the file.
    pub fn tables(&self, name: &str, section: Section) -> Vec<(Placed<String>, Table<'w, 'a>)> {
        let Some(value) = self.find(name) else {
            return Vec::new();
        };
        let DeValue::Table(outer) = value.get_ref() else {
            let what = format!("`{name}` must be a table of tables: [{name}.NAME]");
            self.written.fault(value.span(), what, None);
            return Vec::new();
        };
        let mut found = Vec::new();
        for (key, value) in outer {
            let name = (key.get_ref().to_string(), key.span());
            match value.get_ref() {
                DeValue::Table(table) => found.push((
                    name,
                    Table::new(self.written, section, Some(table.clone()), key.span()),
                )),
                _ => self.written.fault(
                    key.span(),
                    format!("`{}` must be a table", name.0),
                    Some(format!("head it {}", section.heading())),
                ),
            }
        }
        found.sort_by_key(|((_, span), _)| span.start);
        found
    }
}

fn text(value: &Spanned<DeValue<'_>>) -> Option<Placed<String>> {
    value
        .get_ref()
        .as_str()
        .map(|text| (text.to_string(), value.span()))
}

/// A list of texts that is not empty.
pub fn texts(value: &Spanned<DeValue<'_>>) -> Option<Vec<Placed<String>>> {
    let list = value.get_ref().as_array()?;
    let texts: Option<Vec<_>> = list.iter().map(text).collect();
    texts.filter(|texts| !texts.is_empty())
}

/// A whole number that is not negative.
pub fn whole(value: &Spanned<DeValue<'_>>) -> Option<u64> {
    let DeValue::Integer(integer) = value.get_ref() else {
        return None;
    };
    u64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

fn number(value: &Spanned<DeValue<'_>>) -> Option<f64> {
    let number = match value.get_ref() {
        DeValue::Integer(integer) if integer.radix() == 10 => integer.as_str().parse().ok()?,
        DeValue::Float(float) => float.as_str().parse::<f64>().ok()?,
        _ => return None,
    };
    number.is_finite().then_some(number)
}
