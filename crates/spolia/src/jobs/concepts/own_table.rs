//! A table of measures of one's own: numbers, findings that are present or not (0 and 1), and categories (text).

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use miette::IntoDiagnostic;
use spolia_dataset::{Patch, Problem};
use spolia_interpret::concepts::{Categories, Concept};

/// Ways to write that a value is missing, apart from an infinite number.
const MISSING: [&str; 6] = ["", "nan", "na", "n/a", "null", "none"];

/// Categories beyond which a column of text is no concept.
const MOST_CATEGORIES: usize = 50;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Number,
    /// 0 or 1.
    Binary,
    Text,
}

/// What a column turned out to hold.
#[derive(Debug, Clone, Default)]
struct Seen {
    /// Line of the first number.
    number: Option<usize>,
    /// Line of the first text, and the text.
    text: Option<(usize, String)>,
    /// Whether a number is neither 0 nor 1.
    other: bool,
}

/// The table as it stands in the file.
#[derive(Debug)]
pub struct Table {
    file: String,
    columns: Vec<(String, Kind)>,
    /// By id; none where a value is missing.
    rows: BTreeMap<String, Vec<Option<String>>>,
}

/// The concepts of a table for the images at hand.
#[derive(Debug)]
pub struct Own {
    /// Places of the images that have a value of every concept.
    pub rows: Vec<usize>,
    /// Columns of numbers, for those images.
    pub numbers: Vec<Concept>,
    /// Columns of 0 and 1 or of text, for those images.
    pub categories: Vec<Categories>,
    /// Images and columns that were left out, and why.
    pub problems: Vec<Problem>,
}

impl Table {
    /// Reads a table with `id` and one column per concept.
    ///
    /// # Errors
    /// It cannot be read, has no `id`, an id twice, or a column that mixes numbers and text.
    pub fn read(file: &Path) -> miette::Result<Self> {
        let here = |what: String| miette::miette!("{}: {what}", file.display());
        let mut table = csv::Reader::from_path(file)
            .map_err(|e| here(format!("{e}; write it with `spolia measure --out`")))?;
        let header = table.headers().into_diagnostic()?.clone();
        let id = header.iter().position(|h| h == "id").ok_or_else(|| {
            here("has no column `id`; write it with `spolia measure --out`".into())
        })?;
        let places: Vec<usize> = (0..header.len()).filter(|&k| k != id).collect();
        let mut named = BTreeSet::new();
        if let Some(&k) = places.iter().find(|&&k| !named.insert(&header[k])) {
            return Err(here(format!(
                "column `{}` stands there twice; leave one out",
                &header[k]
            )));
        }
        let mut seen = vec![Seen::default(); places.len()];
        let mut rows = BTreeMap::new();
        for (line, record) in table.records().enumerate() {
            let line = line + 2;
            let record = record.map_err(|e| here(e.to_string()))?;
            let mut values = Vec::with_capacity(places.len());
            for (&k, seen) in places.iter().zip(&mut seen) {
                let text = record[k].trim();
                let number = text.parse::<f64>().ok();
                let missing = MISSING.contains(&text.to_ascii_lowercase().as_str());
                match number {
                    _ if missing => values.push(None),
                    Some(number) if !number.is_finite() => values.push(None),
                    Some(number) => {
                        seen.number.get_or_insert(line);
                        seen.other |= number != 0.0 && number != 1.0;
                        values.push(Some(text.to_string()));
                    }
                    None => {
                        seen.text.get_or_insert_with(|| (line, text.to_string()));
                        values.push(Some(text.to_string()));
                    }
                }
                if let (Some(_), Some((line, text))) = (&seen.number, &seen.text) {
                    return Err(here(format!(
                        "line {line}: {} is `{text}`, not a number, while other lines hold numbers; correct it or leave the row out",
                        &header[k]
                    )));
                }
            }
            if rows.insert(record[id].to_string(), values).is_some() {
                return Err(here(format!(
                    "line {line}: id `{}` stands there twice; leave one out",
                    &record[id]
                )));
            }
        }
        let columns = places.iter().zip(seen).map(|(&k, seen)| {
            let kind = match seen.number {
                Some(_) if !seen.other => Kind::Binary,
                Some(_) => Kind::Number,
                None => Kind::Text,
            };
            (header[k].to_string(), kind)
        });
        Ok(Table {
            file: file.display().to_string(),
            columns: columns.collect(),
            rows,
        })
    }

    /// Whether there is a line of this id.
    pub fn has(&self, id: &str) -> bool {
        self.rows.contains_key(id)
    }

    /// Names of the columns.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|c| c.0.as_str())
    }

    /// The table's concepts for some images `chosen` of those that there are, `all`. Whatever cannot be used is named in
    /// the problems: ids without image, images without a line or without a value, columns that are empty or the same
    /// everywhere, and text of too many kinds.
    ///
    /// # Errors
    /// No concept is left.
    pub fn concepts(&self, all: &[Patch], chosen: &[&Patch]) -> miette::Result<Own> {
        let mut problems = Vec::new();
        let mut problem = |item: &str, what: String, remedy: &str| {
            problems.push(Problem {
                item: item.into(),
                what,
                remedy: remedy.into(),
            });
        };
        let known: BTreeSet<&str> = all.iter().map(|p| p.id.as_str()).collect();
        for id in self.rows.keys().filter(|id| !known.contains(id.as_str())) {
            let what = format!(
                "stands in {}, but there is no image of this name",
                self.file
            );
            problem(id, what, "correct the id, or leave the line out");
        }
        let mut measured = Vec::new();
        for (place, patch) in chosen.iter().enumerate() {
            match self.rows.get(&patch.id) {
                Some(values) => measured.push((place, &patch.id, values)),
                None => problem(
                    &patch.id,
                    format!("is not measured in {}", self.file),
                    "measure it, or leave it out",
                ),
            }
        }
        // Columns without any value do not cost the images.
        let mut columns: Vec<usize> = (0..self.columns.len()).collect();
        columns.retain(|&k| {
            let any = measured.iter().any(|(.., values)| values[k].is_some());
            if !any {
                problem(
                    &self.columns[k].0,
                    format!("has no value for any image in {}", self.file),
                    "the other concepts go on without it",
                );
            }
            any
        });
        for (_, id, values) in &measured {
            for &k in columns.iter().filter(|&&k| values[k].is_none()) {
                problem(
                    id,
                    format!(
                        "{} is missing or not finite in {}",
                        self.columns[k].0, self.file
                    ),
                    "the concepts go on without this image",
                );
            }
        }
        measured.retain(|(.., values)| columns.iter().all(|&k| values[k].is_some()));
        let (mut numbers, mut classes) = (Vec::new(), Vec::new());
        for k in columns {
            let (name, kind) = &self.columns[k];
            let texts: Vec<&str> = measured
                .iter()
                .filter_map(|(.., values)| values[k].as_deref())
                .collect();
            let values: Vec<f64> = texts.iter().filter_map(|t| t.parse().ok()).collect();
            let categories = match kind {
                Kind::Number | Kind::Binary => {
                    let different: BTreeSet<u64> =
                        values.iter().map(|v| (v + 0.0).to_bits()).collect();
                    different.len()
                }
                Kind::Text => texts.iter().collect::<BTreeSet<_>>().len(),
            };
            if categories < 2 {
                problem(
                    name,
                    format!("is the same in all {} images", texts.len()),
                    "the other concepts go on without it",
                );
                continue;
            }
            match kind {
                Kind::Number => numbers.push(Concept {
                    id: name.clone(),
                    values,
                }),
                Kind::Binary => {
                    let named: Vec<&str> = values
                        .iter()
                        .map(|&v| if v == 1.0 { "1" } else { "0" })
                        .collect();
                    classes.push(Categories::new(name, &named));
                }
                Kind::Text if categories > MOST_CATEGORIES || 2 * categories > texts.len() => {
                    problem(
                        name,
                        format!(
                            "has {categories} different texts in {} images, too many for categories",
                            texts.len()
                        ),
                        "the other concepts go on without it",
                    );
                }
                Kind::Text => classes.push(Categories::new(name, &texts)),
            }
        }
        if numbers.is_empty() && classes.is_empty() {
            let list: Vec<String> = problems.iter().map(ToString::to_string).collect();
            return Err(miette::miette!(
                "{}: no concept is left for the {} images\n{}",
                self.file,
                chosen.len(),
                list.join("\n")
            ));
        }
        Ok(Own {
            rows: measured.into_iter().map(|(place, ..)| place).collect(),
            numbers,
            categories: classes,
            problems,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spolia_dataset::Source;

    fn concepts(table: &Table, ids: &[&str]) -> miette::Result<Own> {
        let patch = |id: &&str| Patch::new(*id, *id, Source::File((*id).into()));
        let all: Vec<Patch> = ids.iter().map(patch).collect();
        table.concepts(&all, &all.iter().collect::<Vec<_>>())
    }

    fn read(text: &str) -> miette::Result<Table> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("measures.csv");
        std::fs::write(&file, text).unwrap();
        Table::read(&file)
    }

    #[test]
    fn columns_are_sorted_by_what_they_hold() {
        let table = read(
            "size,id,mitosis,grade,stain,empty,name\n\
             1.5,a,0,low,4,,u\n2.5,b,1.0,high,4,NaN,v\n0,c,1,low,4,,w\n1,gone,1,low,4,,x\n,d,0,high,4,,y\n",
        )
        .unwrap();
        let own = concepts(&table, &["a", "b", "c", "d", "e"]).unwrap();
        assert_eq!(own.rows, [0, 1, 2]);
        assert_eq!(
            (own.numbers.len(), &own.numbers[0].values[..]),
            (1, &[1.5, 2.5, 0.0][..])
        );
        let classes: Vec<_> = own
            .categories
            .iter()
            .map(|c| (c.id.as_str(), &c.labels[..]))
            .collect();
        assert_eq!(classes, [("mitosis", &[0, 1, 1][..])]);
        let told: Vec<String> = own.problems.iter().map(ToString::to_string).collect();
        let said = |item: &str, what: &str| {
            assert!(
                told.iter().any(|t| t.contains(item) && t.contains(what)),
                "{told:?}"
            );
        };
        said("gone", "no image of this name");
        said("e", "is not measured");
        said("d", "size is missing");
        said("empty", "no value for any image");
        said("stain", "the same in all 3 images");
        // Two grades of three images, and three names.
        said("grade", "2 different texts in 3 images");
        said("name", "3 different texts");
    }

    #[test]
    fn faults_of_the_file_name_the_line() {
        let fault = |text: &str| read(text).unwrap_err().to_string();
        assert!(fault("id,size\na,1\nb,large\n").contains("line 3: size is `large`, not a number"));
        assert!(fault("id,size\na,1\na,2\n").contains("line 3: id `a` stands there twice"));
        assert!(fault("file,size\na,1\n").contains("no column `id`"));
        assert!(fault("id,size,size\na,1,2\n").contains("column `size` stands there twice"));
        let constant = read("id,size\na,1\nb,inf\n").unwrap();
        let left = concepts(&constant, &["a", "b"]).unwrap_err().to_string();
        assert!(
            left.contains("no concept is left") && left.contains("the same in all 1"),
            "{left}"
        );
    }
}
