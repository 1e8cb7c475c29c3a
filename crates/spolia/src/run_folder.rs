//! The one writer of run folders.
//!
//! A file appears whole or not at all; `manifest.json` says what each step was made from; a step
//! whose inputs did not change is not redone; two runs cannot share a folder at the same time.
//!
//! ```no_run
//! use std::path::Path;
//! use spolia::run_folder::{About, Begin, RunFolder, StepKey};
//! # fn main() -> Result<(), spolia::run_folder::RunFolderError> {
//! let mut run = RunFolder::open(Path::new("run"), About::new("camelyon17", 7, "…"))?;
//! let inputs = StepKey::new("measures").with("measures", &["glcm_asm"])?.finish();
//! if run.begin("measures", &inputs, &["concepts/measures.csv"])? != Begin::Done {
//!     run.write_csv("concepts/measures.csv", &["id", "glcm_asm"], [["a", "0.5"]])?;
//!     run.finish("measures", 1)?;
//! }
//! # Ok(())
//! # }
//! ```

mod atomic;
mod error;
mod lock;
mod manifest;
mod problems;
mod step_key;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;

pub use atomic::{cell, write_atomic, write_csv};
pub use error::RunFolderError;
pub use manifest::{About, Machine, Manifest, NetworkEntry, StepEntry, StepState, StudyEntry};
pub use problems::Problem;
pub use step_key::{StepKey, file_state, hash_file, hex};

/// What to do about a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// Nothing: it is done, from the same inputs.
    Done,
    /// Go on: it was interrupted, or some items failed; files that exist are good.
    Resume,
    /// All of it; earlier outputs were removed.
    Fresh,
}

/// An open run folder, locked for this process.
#[derive(Debug)]
pub struct RunFolder {
    root: PathBuf,
    manifest: Manifest,
    problems: Vec<Problem>,
    started: BTreeMap<String, Instant>,
    redo: bool,
    _lock: lock::Lock,
}

impl RunFolder {
    /// Opens a run folder, creating it where it does not exist.
    ///
    /// Half-written files of a killed run are removed. The study's text and seed, and the machine,
    /// are brought up to date in the manifest.
    ///
    /// # Errors
    /// [`RunFolderError`]: the folder cannot be written, another run holds it, it holds something
    /// else, or its manifest cannot be read.
    pub fn open(root: &Path, about: About) -> Result<Self, RunFolderError> {
        std::fs::create_dir_all(root).map_err(|e| RunFolderError::unwritable(root, e))?;
        let file = root.join("manifest.json");
        let earlier = if file.exists() {
            let manifest = Manifest::read(&file)?;
            if manifest.study.name != about.study.name {
                return Err(RunFolderError::OtherStudy {
                    folder: root.to_path_buf(),
                    holds: manifest.study.name,
                    wanted: about.study.name,
                });
            }
            Some(manifest)
        } else {
            refuse_foreign(root)?;
            None
        };
        let lock = lock::Lock::take(root)?;
        atomic::clean(root)?;
        let manifest = Manifest::begin(about, earlier);
        let problems = problems::read(&root.join("problems.csv"))?;
        let run = RunFolder {
            root: root.to_path_buf(),
            manifest,
            problems,
            started: BTreeMap::new(),
            redo: false,
            _lock: lock,
        };
        run.write_manifest()?;
        Ok(run)
    }

    /// From now on every step starts afresh, whatever its inputs.
    pub fn force(&mut self) {
        self.redo = true;
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A path in the folder.
    pub fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.root.join(relative)
    }

    /// The manifest as it stands.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Changes the manifest's description of the study (classes, networks, notes, …) and writes it.
    ///
    /// # Errors
    /// [`RunFolderError`] where it cannot be written.
    pub fn describe(&mut self, change: impl FnOnce(&mut Manifest)) -> Result<(), RunFolderError> {
        change(&mut self.manifest);
        self.write_manifest()
    }

    /// Lists steps as pending, in this order; steps that are listed already keep their state, and
    /// steps that are not wanted any more are dropped from the list.
    ///
    /// # Errors
    /// [`RunFolderError`] where the manifest cannot be written.
    pub fn plan(&mut self, steps: &[String]) -> Result<(), RunFolderError> {
        let mut old = std::mem::take(&mut self.manifest.steps);
        for name in steps {
            let known = old.iter().position(|step| step.name == *name);
            let step = known.map_or_else(|| StepEntry::pending(name), |at| old.remove(at));
            self.manifest.steps.push(step);
        }
        self.problems
            .retain(|problem| !old.iter().any(|gone| gone.name == problem.step));
        self.write_problems()?;
        self.write_manifest()
    }

    /// The inputs hash of a step as it was begun last; empty before.
    pub fn inputs(&self, name: &str) -> String {
        self.manifest
            .step(name)
            .map_or_else(String::new, |step| step.inputs.clone())
    }

    /// Begins a step that is made from `inputs` (see [`StepKey`]).
    ///
    /// Where the inputs changed, the step's earlier `outputs` (files or folders, relative) are
    /// removed, so that what exists afterwards was made from these inputs.
    ///
    /// # Errors
    /// [`RunFolderError`] where old outputs cannot be removed or the manifest cannot be written.
    pub fn begin(
        &mut self,
        name: &str,
        inputs: &str,
        outputs: &[&str],
    ) -> Result<Begin, RunFolderError> {
        let step = self.manifest.step_mut(name);
        let same = step.inputs == inputs && !self.redo;
        if same && step.state == StepState::Done && step.problems == 0 {
            return Ok(Begin::Done);
        }
        let fresh = !same || step.state == StepState::Pending;
        // The manifest first: whoever is killed between the two lines removes the rest next time.
        *step = StepEntry {
            state: StepState::Pending,
            inputs: inputs.into(),
            ..step.clone()
        };
        if fresh {
            self.write_manifest()?;
            for output in outputs {
                remove(&self.path(output))?;
            }
        }
        let step = self.manifest.step_mut(name);
        step.state = StepState::Running;
        step.problems = 0;
        self.problems.retain(|problem| problem.step != name);
        self.write_problems()?;
        self.write_manifest()?;
        self.started.insert(name.to_string(), Instant::now());
        Ok(if fresh { Begin::Fresh } else { Begin::Resume })
    }

    /// Ends a step that worked on `items`; those named by [`RunFolder::problem`] failed.
    ///
    /// # Errors
    /// [`RunFolderError`] where the manifest cannot be written.
    pub fn finish(&mut self, name: &str, items: usize) -> Result<(), RunFolderError> {
        self.end(name, StepState::Done, items)
    }

    /// Ends a step that failed as a whole.
    ///
    /// # Errors
    /// [`RunFolderError`] where problems or manifest cannot be written.
    pub fn fail(&mut self, name: &str, error: impl ToString) -> Result<(), RunFolderError> {
        self.problem("", name, error)?;
        self.end(name, StepState::Failed, 0)
    }

    fn end(&mut self, name: &str, state: StepState, items: usize) -> Result<(), RunFolderError> {
        let seconds = self
            .started
            .remove(name)
            .map_or(0.0, |at| at.elapsed().as_secs_f64());
        let problems = self
            .problems
            .iter()
            .filter(|problem| problem.step == name)
            .count();
        let step = self.manifest.step_mut(name);
        (step.state, step.seconds, step.items, step.problems) = (state, seconds, items, problems);
        self.write_manifest()
    }

    /// Records in problems.csv that an item failed in a step; the rest goes on.
    ///
    /// # Errors
    /// [`RunFolderError`] where problems.csv cannot be written.
    pub fn problem(
        &mut self,
        item: &str,
        step: &str,
        error: impl ToString,
    ) -> Result<(), RunFolderError> {
        let error = error.to_string();
        self.problems.push(Problem {
            item: item.into(),
            step: step.into(),
            error,
        });
        self.write_problems()
    }

    /// All problems, by step in the order of the manifest, then by item.
    pub fn problems(&self) -> Vec<&Problem> {
        let rank = |name: &str| {
            self.manifest
                .steps
                .iter()
                .position(|step| step.name == name)
        };
        let mut sorted: Vec<&Problem> = self.problems.iter().collect();
        sorted.sort_by(|a, b| (rank(&a.step), a).cmp(&(rank(&b.step), b)));
        sorted
    }

    /// Writes a file whole or not at all.
    ///
    /// # Errors
    /// [`RunFolderError`] naming the file.
    pub fn write(&self, relative: impl AsRef<Path>, bytes: &[u8]) -> Result<(), RunFolderError> {
        write_atomic(&self.path(relative), bytes)
    }

    /// Writes a table whole or not at all.
    ///
    /// # Errors
    /// [`RunFolderError`] naming the file.
    pub fn write_csv<R, F>(
        &self,
        relative: impl AsRef<Path>,
        header: &[&str],
        rows: impl IntoIterator<Item = R>,
    ) -> Result<(), RunFolderError>
    where
        R: IntoIterator<Item = F>,
        F: AsRef<[u8]>,
    {
        write_csv(&self.path(relative), header, rows)
    }

    /// Writes a value as JSON, whole or not at all.
    ///
    /// # Errors
    /// [`RunFolderError`] naming the file.
    pub fn write_json(
        &self,
        relative: impl AsRef<Path>,
        value: &impl Serialize,
    ) -> Result<(), RunFolderError> {
        let file = self.path(relative);
        let mut bytes =
            serde_json::to_vec_pretty(value).map_err(|source| RunFolderError::Json {
                file: file.clone(),
                source,
            })?;
        bytes.push(b'\n');
        write_atomic(&file, &bytes)
    }

    fn write_manifest(&self) -> Result<(), RunFolderError> {
        self.write_json("manifest.json", &self.manifest)
    }

    fn write_problems(&self) -> Result<(), RunFolderError> {
        let sorted = self.problems();
        let rows = sorted.iter().map(|p| [&p.item, &p.step, &p.error]);
        self.write_csv("problems.csv", &problems::HEADER, rows)
    }
}

/// A folder with files but no manifest is somebody else's.
fn refuse_foreign(root: &Path) -> Result<(), RunFolderError> {
    let entries = std::fs::read_dir(root).map_err(|e| RunFolderError::unwritable(root, e))?;
    for entry in entries {
        let name = entry
            .map_err(|e| RunFolderError::unwritable(root, e))?
            .file_name();
        if name != lock::NAME && !atomic::is_partial(Path::new(&name)) {
            return Err(RunFolderError::Foreign {
                folder: root.to_path_buf(),
                holds: name.to_string_lossy().into_owned(),
            });
        }
    }
    Ok(())
}

fn remove(path: &Path) -> Result<(), RunFolderError> {
    let removed = match path.symlink_metadata() {
        Ok(meta) if meta.is_dir() => std::fs::remove_dir_all(path),
        Ok(_) => std::fs::remove_file(path),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => Err(error),
    };
    removed.map_err(|source| RunFolderError::Remove {
        path: path.to_path_buf(),
        source,
    })
}
