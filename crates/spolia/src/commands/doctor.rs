//! `spolia doctor`.

use std::path::Path;

use clap::Args;
use spolia_dataset::{Reader, ResolveOptions, resolve};
use spolia_measure::{Measure, measure_rgb};

use crate::context::{Context, Outcome};
use crate::machine;
use crate::output::Table;

mod engine;

/// `spolia doctor`
#[derive(Debug, Args)]
pub struct Doctor {
    /// Prints the table as JSON.
    #[arg(long)]
    json: bool,
}

/// What a check found.
struct Finding {
    check: &'static str,
    state: State,
    detail: String,
    remedy: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Good,
    Slow,
    Broken,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            State::Good => "ok",
            State::Slow => "slow",
            State::Broken => "broken",
        }
    }
}

fn good(check: &'static str, detail: impl Into<String>) -> Finding {
    Finding {
        check,
        state: State::Good,
        detail: detail.into(),
        remedy: "",
    }
}

impl Doctor {
    /// Runs the command.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn run(self, _: &Context) -> miette::Result<Outcome> {
        let mut findings = vec![
            good("version", format!("spolia {}", env!("CARGO_PKG_VERSION"))),
            good("processor", machine::cpu()),
            vectors(),
            threads(),
            memory(),
            texture(),
        ];
        findings.extend(engine::engines());
        findings.extend(decoders());
        let mut table = Table::new(["check", "state", "detail", "remedy"]);
        for finding in &findings {
            table.push(vec![
                finding.check.into(),
                finding.state.word().into(),
                finding.detail.as_str().into(),
                finding.remedy.into(),
            ]);
        }
        table.print(self.json)?;
        let broken = findings
            .iter()
            .filter(|finding| finding.state == State::Broken);
        Ok(Outcome::of(broken.count()))
    }
}

/// Vector instructions that the kernels use.
fn vectors() -> Finding {
    let found: Vec<&str> = features()
        .into_iter()
        .filter(|(_, there)| *there)
        .map(|(name, _)| name)
        .collect();
    if found.is_empty() {
        return Finding {
            check: "vectors",
            state: State::Slow,
            detail: "neither AVX2 nor AVX-512 nor NEON".to_string(),
            remedy: "networks run, several times slower; use a newer processor",
        };
    }
    good("vectors", found.join(", "))
}

#[cfg(target_arch = "x86_64")]
fn features() -> Vec<(&'static str, bool)> {
    vec![
        ("AVX-512", std::arch::is_x86_feature_detected!("avx512f")),
        ("AVX2", std::arch::is_x86_feature_detected!("avx2")),
        ("FMA", std::arch::is_x86_feature_detected!("fma")),
    ]
}

#[cfg(target_arch = "aarch64")]
fn features() -> Vec<(&'static str, bool)> {
    vec![("NEON", std::arch::is_aarch64_feature_detected!("neon"))]
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn features() -> Vec<(&'static str, bool)> {
    Vec::new()
}

fn threads() -> Finding {
    let used = rayon::current_num_threads();
    let there = std::thread::available_parallelism().map_or(used, usize::from);
    let detail = format!("{used} used, {there} available");
    if used > there {
        let remedy = "more threads than cores are slower; lower --threads";
        return Finding {
            check: "threads",
            state: State::Slow,
            detail,
            remedy,
        };
    }
    good("threads", detail)
}

/// Training at batch 32 and 224 pixels takes about this much.
const TRAINING_BYTES: u64 = 4 << 30;

fn memory() -> Finding {
    let Some((all, available)) = machine::memory() else {
        return good("memory", "unknown on this system");
    };
    let gib = |bytes: u64| bytes as f64 / f64::from(1 << 30);
    let detail = format!("{:.1} GiB, {:.1} available", gib(all), gib(available));
    if available < TRAINING_BYTES {
        let remedy = "lower `batch` when training, or close other programs";
        return Finding {
            check: "memory",
            state: State::Slow,
            detail,
            remedy,
        };
    }
    good("memory", detail)
}

/// Two columns, black and white: ASM 1/2, contrast 255².
fn texture() -> Finding {
    let rgb = [0, 0, 0, 255, 255, 255, 0, 0, 0, 255, 255, 255];
    match measure_rgb(&rgb, 2, 2, &[Measure::GlcmAsm, Measure::GlcmContrast]) {
        Ok(values) if values == [0.5, 65025.0] => good("texture", "GLCM of a known image is right"),
        other => Finding {
            check: "texture",
            state: State::Broken,
            detail: format!("GLCM of a known image is {other:?}, not [0.5, 65025]"),
            remedy: "this build computes wrongly; build it again or report it",
        },
    }
}

/// Writes a few pixels in each format and reads them back.
fn decoders() -> Vec<Finding> {
    let folder = std::env::temp_dir().join(format!("spolia-doctor-{}", std::process::id()));
    let formats = [
        ("PNG", "png", 0),
        ("TIFF", "tif", 0),
        ("BMP", "bmp", 0),
        ("JPEG", "jpg", 3),
    ];
    let findings = match std::fs::create_dir_all(&folder) {
        Ok(()) => formats
            .into_iter()
            .map(|(name, ending, tolerance)| {
                match read_back(&folder.join(format!("tile.{ending}")), tolerance) {
                    Ok(()) => good(name, "a known image reads back"),
                    Err(detail) => Finding {
                        check: name,
                        state: State::Broken,
                        detail,
                        remedy: "images of this kind cannot be used; save them as PNG",
                    },
                }
            })
            .collect(),
        Err(error) => vec![Finding {
            check: "scratch",
            state: State::Broken,
            detail: format!("cannot write {}: {error}", folder.display()),
            remedy: "set TMPDIR to a folder that you may write",
        }],
    };
    // A scratch folder that stays is no harm.
    let _ = std::fs::remove_dir_all(&folder);
    findings
}

fn read_back(file: &Path, tolerance: u8) -> Result<(), String> {
    let colour = [200, 120, 160];
    let image = image::RgbImage::from_pixel(16, 16, image::Rgb(colour));
    image
        .save(file)
        .map_err(|error| format!("cannot write {}: {error}", file.display()))?;
    let (table, _) =
        resolve(file, &ResolveOptions::default()).map_err(|error| error.to_string())?;
    let patch = table.patches().first().ok_or("no image was found")?;
    let read = Reader::new()
        .read(patch)
        .map_err(|error| error.to_string())?;
    let same = (read.width, read.height) == (16, 16)
        && read
            .data
            .iter()
            .zip(colour.iter().cycle())
            .all(|(a, b)| a.abs_diff(*b) <= tolerance);
    if same {
        Ok(())
    } else {
        Err("the pixels read differ from those written".to_string())
    }
}
