//! What a run folder promises: whole files, resumable steps, one run at a time.

use std::fs;
use std::path::Path;

use spolia::run_folder::{About, Begin, Manifest, RunFolder, RunFolderError, StepState};

fn open(root: &Path) -> Result<RunFolder, RunFolderError> {
    RunFolder::open(root, About::new("s", 7, "seed = 7"))
}

#[test]
fn a_step_is_done_resumed_or_made_afresh() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("run");
    let mut run = open(&root).unwrap();
    run.plan(&["patches".into(), "measures".into()]).unwrap();
    assert_eq!(
        run.begin("measures", "one", &["concepts"]).unwrap(),
        Begin::Fresh
    );
    run.write("concepts/a.txt", b"a").unwrap();
    drop(run); // killed

    let mut run = open(&root).unwrap();
    assert_eq!(
        run.manifest().step("measures").unwrap().state,
        StepState::Running
    );
    assert_eq!(
        run.begin("measures", "one", &["concepts"]).unwrap(),
        Begin::Resume
    );
    assert!(root.join("concepts/a.txt").exists());
    run.finish("measures", 3).unwrap();
    assert_eq!(
        run.begin("measures", "one", &["concepts"]).unwrap(),
        Begin::Done
    );
    assert_eq!(
        run.begin("measures", "two", &["concepts"]).unwrap(),
        Begin::Fresh
    );
    assert!(!root.join("concepts").exists());
    run.finish("measures", 3).unwrap();
    run.force();
    assert_eq!(
        run.begin("measures", "two", &["concepts"]).unwrap(),
        Begin::Fresh
    );
}

#[test]
fn problems_are_listed_by_step_then_item_and_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = open(folder.path()).unwrap();
    run.plan(&["patches".into(), "measures".into()]).unwrap();
    run.begin("measures", "m", &[]).unwrap();
    run.problem("b", "measures", "too small, \"1x1\"").unwrap();
    run.problem("a", "measures", "truncated").unwrap();
    run.finish("measures", 2).unwrap();
    run.begin("patches", "p", &[]).unwrap();
    run.problem("z", "patches", "no image").unwrap();
    let table = fs::read_to_string(folder.path().join("problems.csv")).unwrap();
    let wanted = "item,step,error\nz,patches,no image\na,measures,truncated\n\
                  b,measures,\"too small, \"\"1x1\"\"\"\n";
    assert_eq!(table, wanted);
    assert_eq!(run.manifest().step("measures").unwrap().problems, 2);

    drop(run);
    let mut run = open(folder.path()).unwrap();
    assert_eq!(run.problems().len(), 3);
    assert_eq!(run.begin("measures", "m", &[]).unwrap(), Begin::Resume);
    assert_eq!(run.problems().len(), 1);
    run.fail("measures", "no regressors").unwrap();
    let step = Manifest::read(&folder.path().join("manifest.json")).unwrap();
    assert_eq!(step.step("measures").unwrap().state, StepState::Failed);
}

#[test]
fn half_written_files_are_removed_and_whole_ones_replaced() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("networks/a")).unwrap();
    let run = open(&folder.path().join("run")).unwrap();
    run.write("deep/er/t.csv", b"old").unwrap();
    fs::write(run.path("deep/er/.t.csv.partial"), b"ol").unwrap();
    run.write_csv("deep/er/t.csv", &["a", "b"], [["1", "x,y"]])
        .unwrap();
    assert_eq!(
        fs::read_to_string(run.path("deep/er/t.csv")).unwrap(),
        "a,b\n1,\"x,y\"\n"
    );
    assert!(!run.path("deep/er/.t.csv.partial").exists());
    fs::write(run.path("deep/.left.npy.partial"), b"x").unwrap();
    let root = run.root().to_path_buf();
    drop(run);
    let run = open(&root).unwrap();
    assert!(!run.path("deep/.left.npy.partial").exists());
    assert!(matches!(
        run.write_csv("t.csv", &["a", "b"], [["1"]]),
        Err(RunFolderError::Table { .. })
    ));
    assert!(!run.path("t.csv").exists());
}

#[test]
fn two_runs_cannot_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path()).unwrap();
    match open(folder.path()) {
        Err(RunFolderError::Locked { holder, .. }) => {
            assert!(holder.contains(&std::process::id().to_string()), "{holder}");
        }
        other => panic!("{other:?}"),
    }
    drop(first);
    // What a killed process leaves behind.
    fs::write(folder.path().join(".lock"), "1 on elsewhere\n").unwrap();
    open(folder.path()).unwrap();
}

#[test]
fn folders_of_others_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("thesis.tex"), b"").unwrap();
    assert!(matches!(
        open(folder.path()),
        Err(RunFolderError::Foreign { .. })
    ));
    let below_a_file = folder.path().join("thesis.tex/run");
    match open(&below_a_file) {
        Err(error @ RunFolderError::Unwritable { .. }) => {
            assert!(error.to_string().contains("thesis.tex/run"), "{error}");
        }
        other => panic!("{other:?}"),
    }
    let other = folder.path().join("other");
    drop(RunFolder::open(&other, About::new("t", 7, "")).unwrap());
    assert!(matches!(
        open(&other),
        Err(RunFolderError::OtherStudy { .. })
    ));
}
