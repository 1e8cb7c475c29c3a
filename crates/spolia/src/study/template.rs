//! The commented study file and its documentation, both written from [`KEYS`].

use super::keys::{Absent, Key, Section, keys_of};

/// A commented study file that is valid as it stands.
///
/// Every key stands at its default; those without a default are commented out.
pub fn template() -> String {
    let mut text = String::from(
        "# A spolia study. Every key is shown at its default; what you leave out keeps it.\n\
         # `spolia study check FILE` validates the file, `spolia run FILE` runs it.\n",
    );
    for section in [Section::Study, Section::Patches] {
        head(&mut text, section, "");
        keys_of(section).for_each(|key| line(&mut text, key, ""));
    }
    head(&mut text, Section::Network, "");
    text.push_str("# As many as you like. All keys of a network:\n");
    keys_of(Section::Network).for_each(|key| line(&mut text, key, "# "));
    text.push_str(&format!("# {}\n", Section::Train.doc()));
    inline(&mut text, "train", Section::Train);
    text.push_str(NETWORKS);
    // A sweep is many trainings, which nobody wants by leaving a template as it is.
    text.push_str(&format!("\n# [sweep]\n# {}\n", Section::Sweep.doc()));
    keys_of(Section::Sweep).for_each(|key| line(&mut text, key, "# "));
    for section in [
        Section::Visualize,
        Section::Attention,
        Section::Concepts,
        Section::Drift,
    ] {
        head(&mut text, section, "");
        for key in keys_of(section) {
            line(&mut text, key, "");
            if key.name == "select" {
                text.push_str(&format!("# {}\n", Section::Select.doc()));
                inline(&mut text, "select", Section::Select);
            }
        }
    }
    text
}

/// Networks of the template: what the paper compares, as far as no file is needed.
const NETWORKS: &str = "\
\n[network.random]\n\
\n# [network.pretrained]\n# weights = \"inception_v3.safetensors\"\n# convention = \"keras\"\n\
\n[network.finetuned]\nstart = \"random\"    # better: \"pretrained\"\ntrain = { epochs = 30 }\n";

fn head(text: &mut String, section: Section, comment: &str) {
    text.push('\n');
    match section {
        Section::Study => {}
        Section::Network => text.push_str("# [network.NAME]\n"),
        _ => text.push_str(&format!("{comment}{}\n", section.heading())),
    }
    text.push_str(&format!("# {}\n", section.doc()));
}

fn line(text: &mut String, key: &Key, comment: &str) {
    match key.absent {
        Absent::Value(value) => {
            text.push_str(&format!("# {} ({})\n", key.doc, key.accepts));
            text.push_str(&format!("{comment}{} = {value}\n", key.name));
        }
        Absent::Nothing { then, example } => {
            text.push_str(&format!(
                "# {} ({}; without it, {then})\n",
                key.doc, key.accepts
            ));
            text.push_str(&format!("# {} = {example}\n", key.name));
        }
    }
}

/// The keys of an inline table, commented out.
fn inline(text: &mut String, name: &str, section: Section) {
    for key in keys_of(section) {
        if let Absent::Value(value) = key.absent {
            text.push_str(&format!(
                "#   {name}.{} = {value}  # {}\n",
                key.name, key.doc
            ));
        }
    }
}

/// `docs/study.md`: every key with what it accepts and its default.
pub fn markdown() -> String {
    let mut text = String::from(INTRODUCTION);
    for section in Section::ALL {
        let heading = match section {
            Section::Study => "Top of the file".to_string(),
            Section::Train => "`train = { … }` of a network or of `[sweep]`".to_string(),
            Section::Select => "`select = { … }` of `[attention]`".to_string(),
            other => format!("`{}`", other.heading()),
        };
        text.push_str(&format!("\n## {heading}\n\n{}\n\n", section.doc()));
        text.push_str("| key | accepts | default | meaning |\n|---|---|---|---|\n");
        for key in keys_of(section) {
            let default = match key.absent {
                Absent::Value(value) => format!("`{value}`"),
                Absent::Nothing { then, .. } => then.to_string(),
            };
            text.push_str(&format!(
                "| `{}` | {} | {default} | {} |\n",
                key.name, key.accepts, key.doc
            ));
        }
    }
    text
}

const INTRODUCTION: &str = "\
# The study file

A study is one TOML file. It names the patches, the networks and the methods that compare them;
a section that is left out is a step that is left out, and a key that is left out has the default
below. `spolia study template` prints a commented file to start from, `spolia study check FILE`
says whether a file is valid: an unknown key, layer, network or measure is an error that names the
line and the nearest known name.

Paths are relative to the study file's folder. Layers go by their names (`Conv2d_1a_3x3` …
`Mixed_7c`) or aliases (Keras' `mixed0` … `mixed10`, and `mixed5b`, `mixed6a`, …; case and
underscores do not matter).
";
