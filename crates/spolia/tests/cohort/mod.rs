//! A small cohort of images, and the program run on it.

#![allow(dead_code, reason = "each test binary uses some of it")]

pub mod striped;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use assert_cmd::Command;
use assert_cmd::assert::Assert;

/// A row of a table: field by column.
pub type Row = BTreeMap<String, String>;

/// Forty images of 20 patients in two centres: stripes of one of two widths, with noise. The table is images.csv.
pub fn images(folder: &Path) {
    let mut table = String::from("file,label,patient,centre\n");
    let mut state = 1u32;
    for i in 0..40u32 {
        let image = image::RgbImage::from_fn(76, 76, |x, y| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let stripe = 100 * ((x + y) / (4 + 4 * (i % 2)) % 2) as u8;
            let noise = (state >> 26) as u8;
            let stain = 60 * (i / 2 % 2) as u8;
            image::Rgb([stripe + noise, stripe + 40, noise + stain + i as u8])
        });
        image.save(folder.join(format!("{i:02}.png"))).unwrap();
        table.push_str(&format!("{i:02}.png,{},p{},c{}\n", i % 2, i / 2, i / 2 % 2));
    }
    fs::write(folder.join("images.csv"), table).unwrap();
}

/// Runs the program in a folder.
pub fn spolia(arguments: &[&str], folder: &Path) -> Assert {
    Command::new(env!("CARGO_BIN_EXE_spolia"))
        .current_dir(folder)
        .args(arguments)
        .assert()
}

/// Runs the step `patches` of a folder's study.toml, into `run`.
pub fn patches_of_study(folder: &Path) -> Assert {
    let call = "run study.toml --quiet --only patches --out run";
    spolia(&call.split(' ').collect::<Vec<_>>(), folder)
}

/// What it told on standard error.
pub fn told(done: &Assert) -> String {
    String::from_utf8_lossy(&done.get_output().stderr).into_owned()
}

/// Rows of a table.
pub fn rows(file: &Path) -> Vec<Row> {
    let mut table = csv::Reader::from_path(file).unwrap();
    table.deserialize().map(|row| row.unwrap()).collect()
}

/// A number of a row.
pub fn number(row: &Row, column: &str) -> f64 {
    row[column].parse().unwrap()
}
