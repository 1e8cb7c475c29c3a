//! The one progress display: a bar on a terminal, plain lines elsewhere, nothing with `--quiet`.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// How progress is shown, on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// A bar that is redrawn in place.
    Bar,
    /// A line at the start, at most one every [`EVERY`], and one at the end.
    Lines,
    /// Nothing.
    Quiet,
}

/// Time between two plain lines.
pub const EVERY: Duration = Duration::from_secs(10);

impl Progress {
    /// The display that fits standard error.
    pub fn new(quiet: bool) -> Self {
        match (quiet, std::io::stderr().is_terminal()) {
            (true, _) => Progress::Quiet,
            (false, true) => Progress::Bar,
            (false, false) => Progress::Lines,
        }
    }

    /// Starts to show `step`, which has `total` items.
    pub fn start(self, step: &str, total: usize) -> Task {
        let bar = (self == Progress::Bar).then(|| {
            let bar = ProgressBar::new(total as u64).with_message(step.to_string());
            let form = "{msg:28!} {wide_bar} {human_pos}/{human_len}  {eta} left";
            if let Ok(style) = ProgressStyle::with_template(form) {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(250));
            bar
        });
        let task = Task {
            progress: self,
            bar,
            step: step.to_string(),
            total,
            started: Instant::now(),
            state: Mutex::new(State {
                done: 0,
                told: Instant::now(),
            }),
        };
        if self == Progress::Lines {
            say(&format!("{step}: {total} to do"));
        }
        task
    }

    /// A line about the run, such as a step that is up to date.
    pub fn note(self, line: &str) {
        if self != Progress::Quiet {
            say(line);
        }
    }
}

/// A step in progress; any thread may count its items.
#[derive(Debug)]
pub struct Task {
    progress: Progress,
    bar: Option<ProgressBar>,
    step: String,
    total: usize,
    started: Instant,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    done: usize,
    told: Instant,
}

impl Task {
    /// Counts `items` more as done.
    pub fn advance(&self, items: usize) {
        if let Some(bar) = &self.bar {
            bar.inc(items as u64);
            return;
        }
        if self.progress == Progress::Quiet {
            return;
        }
        let Ok(mut state) = self.state.lock() else {
            return;
        };
        state.done += items;
        if state.told.elapsed() >= EVERY && state.done < self.total {
            state.told = Instant::now();
            let left = time_left(self.started.elapsed(), state.done, self.total);
            say(&format!(
                "{}: {} of {}, {left} left",
                self.step, state.done, self.total
            ));
        }
    }

    /// A line that stays, such as an item that failed.
    pub fn note(&self, line: &str) {
        match (&self.bar, self.progress) {
            (Some(bar), _) => bar.suspend(|| say(line)),
            (None, Progress::Quiet) => {}
            (None, _) => say(line),
        }
    }

    /// Ends the display.
    pub fn finish(self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        if self.progress != Progress::Quiet {
            say(&format!(
                "{}: done in {}",
                self.step,
                words(self.started.elapsed())
            ));
        }
    }
}

/// Writes a line; a closed standard error is no reason to stop.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

fn time_left(elapsed: Duration, done: usize, total: usize) -> String {
    if done == 0 {
        return "unknown time".to_string();
    }
    words(elapsed.mul_f64(total.saturating_sub(done) as f64 / done as f64))
}

/// A duration in words: `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`.
///
/// ```
/// use std::time::Duration;
/// assert_eq!(spolia::progress::words(Duration::from_secs(200)), "3 min 20 s");
/// ```
pub fn words(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", duration.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_left_is_in_proportion() {
        assert_eq!(time_left(Duration::from_secs(30), 10, 40), "1 min 30 s");
        assert_eq!(time_left(Duration::from_secs(30), 0, 40), "unknown time");
    }

    #[test]
    fn durations_read_in_fit_units() {
        assert_eq!(words(Duration::from_millis(420)), "0.4 s");
        assert_eq!(words(Duration::from_secs(12)), "12 s");
        assert_eq!(words(Duration::from_secs(7_500)), "2 h 5 min");
    }
}
