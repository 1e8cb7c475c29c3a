//! What files' names say: slides, their annotations, patients and centres.

use std::path::{Path, PathBuf};

/// A slide's name: its file's, without ending.
pub fn name(file: &Path) -> String {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let whole = ["ome.tiff", "ome.tif"]
        .iter()
        .find_map(|ending| name.strip_suffix(ending)?.strip_suffix('.'));
    match whole {
        Some(stem) => stem.to_owned(),
        None => file
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
    }
}

/// Patient and centre, as far as names say them: `patient_012_node_3` (Camelyon17) in a folder `centre_1`, or a TCGA barcode.
pub fn origin(file: &Path) -> (Option<String>, Option<String>) {
    let name = name(file);
    let numbered = |word: &str, text: &str| -> Option<String> {
        let rest = text.strip_prefix(word)?.strip_prefix('_')?;
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        (!digits.is_empty()).then(|| format!("{word}_{digits}"))
    };
    let folder = file.parent().and_then(Path::file_name).unwrap_or_default();
    let folder = folder.to_string_lossy().to_lowercase();
    let folder = folder.replace("center", "centre");
    let centre = numbered("centre", &folder);
    if let Some(patient) = numbered("patient", &name) {
        return (Some(patient), centre);
    }
    let parts: Vec<&str> = name.split('-').collect();
    if parts.len() >= 3 && parts[0] == "TCGA" {
        return (Some(parts[..3].join("-")), Some(parts[1].to_owned()));
    }
    (None, centre)
}

/// The annotations of a slide: a file called as it is, in the folder, or the file itself.
pub fn annotation_of(slide: &Path, annotations: &[PathBuf]) -> Option<PathBuf> {
    let own = name(slide);
    let called = |file: &&PathBuf| name(file) == own;
    annotations.iter().find(called).cloned()
}

/// The files that a pattern such as `slides/*.tif` or a path names, sorted.
///
/// # Errors
/// The pattern makes no sense, or names no file.
pub fn files(pattern: &Path) -> miette::Result<Vec<PathBuf>> {
    let text = pattern.display().to_string();
    let found =
        glob::glob(&text).map_err(|e| miette::miette!("{text}: {e}; correct the pattern"))?;
    let mut files: Vec<PathBuf> = found
        .filter_map(Result::ok)
        .flat_map(|path| {
            if !path.is_dir() {
                return vec![path];
            }
            let inside = std::fs::read_dir(&path).into_iter().flatten().flatten();
            inside
                .map(|entry| entry.path())
                .filter(|p| p.is_file())
                .collect()
        })
        .collect();
    files.sort();
    files.dedup();
    if files.is_empty() {
        return Err(miette::miette!("{text}: no such file; check the path"));
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_patient_and_centre() {
        let of = |file: &str| {
            let (patient, centre) = origin(Path::new(file));
            (patient.unwrap_or_default(), centre.unwrap_or_default())
        };
        let expect = |a: &str, b: &str| (a.to_string(), b.to_string());
        assert_eq!(
            of("centre_1/patient_020_node_4.tif"),
            expect("patient_020", "centre_1")
        );
        assert_eq!(
            of("Center_3/patient_7.svs"),
            expect("patient_7", "centre_3")
        );
        assert_eq!(
            of("x/TCGA-A2-A0CM-01Z-00-DX1.svs"),
            expect("TCGA-A2-A0CM", "A2")
        );
        assert_eq!(of("x/tumor_001.tif"), expect("", ""));
        assert_eq!(name(Path::new("a/b.ome.tif")), "b");
        let annotations = [PathBuf::from("a/one.xml"), PathBuf::from("a/two.geojson")];
        assert_eq!(
            annotation_of(Path::new("s/two.svs"), &annotations),
            Some(annotations[1].clone())
        );
        assert_eq!(annotation_of(Path::new("s/three.svs"), &annotations), None);
    }
}
