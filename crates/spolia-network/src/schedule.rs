//! What a pass over a plan does, in order, and where in one block of memory each buffer lies while it is needed. Sizes are per
//! image, so that one schedule serves every batch, and what a batch needs is known before anything runs.

use std::ops::Range;

use crate::plan::{Action, Plan};

/// A buffer of a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    /// A plan's buffer.
    Activation(usize),
    /// A convolution's own output, before its batch norm; on the way back, its gradient.
    Raw(usize),
    /// The gradient of a plan's buffer.
    Gradient(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Gives a buffer its place, `values` per image from `at` (per image) on. They are left over from whoever had it before.
    Open {
        slot: Slot,
        at: usize,
        values: usize,
    },
    /// Nobody needs the buffer any more.
    Close(Slot),
    /// Runs a step.
    Forward(usize),
    /// Fills the target of a step again.
    Again(usize),
    /// Runs a step back; its source's gradient is added to where `add`.
    Backward { step: usize, add: bool },
}

/// The events of a pass.
pub(crate) struct Schedule {
    pub forward: Vec<Event>,
    /// Empty for a forward pass.
    pub backward: Vec<Event>,
    /// So many of its first events open the gradients that it begins with.
    pub seeds: usize,
    /// Values of the block, per image.
    pub values: usize,
}

/// Places begin at whole lines of the cache, where the block does.
const LINE: usize = 16;

impl Schedule {
    /// A forward pass with frozen weights, after which the buffers `wanted` are still open.
    pub fn forward(plan: &Plan, wanted: &[usize]) -> Self {
        let mut scheduler = Scheduler::new(plan);
        scheduler.run_all(false, |_, buffer| !wanted.contains(&buffer));
        scheduler.finish(Vec::new())
    }

    /// Forward, and back from the buffers `seeded` to the input, with frozen weights. The gradient of the input is open at
    /// the end.
    pub fn input_gradient(plan: &Plan, seeded: &[usize]) -> Self {
        let mut scheduler = Scheduler::new(plan);
        // The way back reads where a ReLU was open, and where a maximum was.
        let mut read: Vec<bool> = (0..plan.buffers.len())
            .map(|b| seeded.contains(&b))
            .collect();
        for step in &plan.steps {
            let max = matches!(step.action, Action::Max { .. });
            read[step.source.buffer] |= max;
            read[step.target.buffer] |= max || step.action.relu();
        }
        scheduler.run_all(false, |_, buffer| !read[buffer]);
        let forward = std::mem::take(&mut scheduler.events);
        let mut begun = vec![false; plan.buffers.len()];
        for &buffer in seeded {
            scheduler.open(Slot::Gradient(buffer));
            begun[buffer] = true;
        }
        scheduler.seeds = scheduler.events.len();
        for (i, step) in plan.steps.iter().enumerate().rev() {
            let (source, target) = (step.source.buffer, step.target.buffer);
            if begun[target] {
                scheduler.open(Slot::Gradient(source));
                let add = std::mem::replace(&mut begun[source], true);
                scheduler.events.push(Event::Backward { step: i, add });
            }
            if scheduler.writers[target].first() == Some(&i) {
                scheduler.close(Slot::Gradient(target));
                scheduler.close(Slot::Activation(target));
            }
        }
        scheduler.open(Slot::Gradient(0));
        scheduler.finish(forward)
    }

    /// Forward with a batch's statistics, and back to every parameter.
    ///
    /// What is kept between the two is each convolution's output before batch norm. What batch norm, ReLU and pools make of
    /// it is given up as soon as no later step reads it, and made again when the way back needs it.
    pub fn training(plan: &Plan) -> Self {
        let mut scheduler = Scheduler::new(plan);
        scheduler.run_all(true, Scheduler::can_be_made_again);
        let forward = std::mem::take(&mut scheduler.events);
        let mut begun = vec![false; plan.buffers.len()];
        if let Some((_, last)) = plan.stages.last() {
            scheduler.open(Slot::Gradient(*last));
        }
        scheduler.seeds = scheduler.events.len();
        for (i, step) in plan.steps.iter().enumerate().rev() {
            let (source, target) = (step.source.buffer, step.target.buffer);
            match step.action {
                Action::Conv { .. } | Action::Norm { .. } | Action::Linear { .. } => {
                    scheduler.make_again(source);
                }
                Action::Max { .. } => {
                    scheduler.make_again(source);
                    scheduler.make_again(target);
                }
                _ => {}
            }
            let add = std::mem::replace(&mut begun[source], true);
            // Nobody asks for the gradient of the input.
            if source != 0 {
                scheduler.open(Slot::Gradient(source));
            }
            scheduler.events.push(Event::Backward { step: i, add });
            if let Action::Conv { index, .. } = step.action {
                scheduler.close(Slot::Raw(index));
            }
            if scheduler.writers[target].first() == Some(&i) {
                scheduler.close(Slot::Gradient(target));
                scheduler.close(Slot::Activation(target));
            }
        }
        scheduler.finish(forward)
    }
}

struct Scheduler<'a> {
    plan: &'a Plan,
    events: Vec<Event>,
    seeds: usize,
    open: Vec<Slot>,
    /// For each buffer: the steps that write it, and the last that reads it.
    writers: Vec<Vec<usize>>,
    last_use: Vec<Option<usize>>,
}

impl<'a> Scheduler<'a> {
    fn new(plan: &'a Plan) -> Self {
        let mut writers = vec![Vec::new(); plan.buffers.len()];
        let mut last_use = vec![None; plan.buffers.len()];
        for (i, step) in plan.steps.iter().enumerate() {
            writers[step.target.buffer].push(i);
            last_use[step.source.buffer] = Some(i);
        }
        Self {
            plan,
            events: Vec::new(),
            seeds: 0,
            open: Vec::new(),
            writers,
            last_use,
        }
    }

    fn finish(self, forward: Vec<Event>) -> Schedule {
        let (mut forward, mut backward) = if forward.is_empty() {
            (self.events, Vec::new())
        } else {
            (forward, self.events)
        };
        let values = place(forward.iter_mut().chain(&mut backward).collect());
        Schedule {
            forward,
            backward,
            seeds: self.seeds,
            values,
        }
    }

    /// The way forward; `raw`: convolutions keep their own outputs. A buffer that no later step reads is closed where `spared`
    /// says so.
    fn run_all(&mut self, raw: bool, spared: impl Fn(&Self, usize) -> bool) {
        self.open(Slot::Activation(0));
        for (i, step) in self.plan.steps.iter().enumerate() {
            let (source, target) = (step.source.buffer, step.target.buffer);
            self.open(Slot::Activation(target));
            if let Action::Conv {
                index,
                norm: Some(_),
                ..
            } = step.action
                && raw
            {
                self.open(Slot::Raw(index));
            }
            self.events.push(Event::Forward(i));
            if self.last_use[source] == Some(i) && spared(self, source) {
                self.close(Slot::Activation(source));
            }
        }
    }

    /// Is a buffer cheap to fill again from what is kept?
    fn can_be_made_again(&self, buffer: usize) -> bool {
        let writers = &self.writers[buffer];
        !writers.is_empty()
            && writers.iter().all(|&i| {
                matches!(
                    self.plan.steps[i].action,
                    Action::Conv { norm: Some(_), .. }
                        | Action::Norm { .. }
                        | Action::Max { .. }
                        | Action::Average { .. }
                )
            })
    }

    /// Fills a buffer again where it was closed.
    fn make_again(&mut self, buffer: usize) {
        if self.is_open(Slot::Activation(buffer)) {
            return;
        }
        self.open(Slot::Activation(buffer));
        for i in self.writers[buffer].clone() {
            let step = &self.plan.steps[i];
            if !matches!(step.action, Action::Conv { .. }) {
                self.make_again(step.source.buffer);
            }
            self.events.push(Event::Again(i));
        }
    }

    fn is_open(&self, slot: Slot) -> bool {
        self.open.contains(&slot)
    }

    fn open(&mut self, slot: Slot) {
        if !self.is_open(slot) {
            let (at, values) = (0, self.values(slot));
            self.open.push(slot);
            self.events.push(Event::Open { slot, at, values });
        }
    }

    fn close(&mut self, slot: Slot) {
        if let Some(found) = self.open.iter().position(|s| *s == slot) {
            self.open.swap_remove(found);
            self.events.push(Event::Close(slot));
        }
    }

    fn values(&self, slot: Slot) -> usize {
        let area = |buffer: usize| {
            let area = self.plan.buffers[buffer];
            (area.height * area.width, area.channels)
        };
        match slot {
            Slot::Activation(buffer) | Slot::Gradient(buffer) => {
                let (pixels, channels) = area(buffer);
                pixels * channels
            }
            Slot::Raw(index) => {
                let step = self
                    .plan
                    .steps
                    .iter()
                    .find(|s| matches!(s.action, Action::Conv { index: i, .. } if i == index));
                step.map_or(0, |s| area(s.target.buffer).0 * s.target.channels)
            }
        }
    }
}

/// Gives every buffer its place, the largest first, each the lowest that is free for as long as it is open. Returns the values
/// of all.
fn place(mut events: Vec<&mut Event>) -> usize {
    struct Stay {
        event: usize,
        open: Range<usize>,
        values: usize,
        at: usize,
    }
    let mut stays: Vec<Stay> = Vec::new();
    for (event, what) in events.iter().enumerate() {
        if let Event::Open { slot, values, .. } = **what {
            let closed = events[event..]
                .iter()
                .position(|e| **e == Event::Close(slot));
            stays.push(Stay {
                event,
                open: event..closed.map_or(events.len(), |n| event + n),
                values: values.next_multiple_of(LINE),
                at: 0,
            });
        }
    }
    stays.sort_by_key(|stay| std::cmp::Reverse(stay.values));
    let mut all = 0;
    for i in 0..stays.len() {
        let (placed, rest) = stays.split_at_mut(i);
        let stay = &mut rest[0];
        let meets =
            |other: &&Stay| other.open.start < stay.open.end && stay.open.start < other.open.end;
        let mut taken: Vec<Range<usize>> = placed
            .iter()
            .filter(meets)
            .map(|other| other.at..other.at + other.values)
            .collect();
        taken.sort_by_key(|t| t.start);
        for t in taken {
            if stay.at + stay.values > t.start {
                stay.at = stay.at.max(t.end);
            }
        }
        all = all.max(stay.at + stay.values);
        if let Event::Open { at, .. } = &mut *events[stay.event] {
            *at = stay.at;
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Convention, Cut, architecture};

    /// Every buffer is open when a step reads or writes it, and no two lie in one place. Returns the most values that were
    /// open at once.
    fn check(plan: &Plan, schedule: &Schedule) -> usize {
        let mut open: Vec<(Slot, Range<usize>)> = Vec::new();
        let mut most = 0;
        for event in schedule.forward.iter().chain(&schedule.backward) {
            let needs = |slot: Slot| assert!(open.iter().any(|(s, _)| *s == slot), "{event:?}");
            match *event {
                Event::Open { slot, at, values } => {
                    let place = at..at + values;
                    assert!(place.end <= schedule.values);
                    for (other, taken) in &open {
                        assert!(*other != slot);
                        assert!(taken.end <= place.start || place.end <= taken.start);
                    }
                    open.push((slot, place));
                    most = most.max(open.iter().map(|(_, place)| place.len()).sum());
                }
                Event::Close(slot) => {
                    needs(slot);
                    open.retain(|(s, _)| *s != slot);
                }
                Event::Forward(i) => {
                    needs(Slot::Activation(plan.steps[i].source.buffer));
                    needs(Slot::Activation(plan.steps[i].target.buffer));
                }
                Event::Again(i) => needs(Slot::Activation(plan.steps[i].target.buffer)),
                Event::Backward { step, .. } => {
                    needs(Slot::Gradient(plan.steps[step].target.buffer));
                }
            }
        }
        most
    }

    #[test]
    fn places_are_shared_in_turn() {
        for (name, side) in [
            ("inception_v3", 96),
            ("resnet50", 64),
            ("densenet121", 64),
            ("squeezenet1_1", 64),
        ] {
            let convention = match name {
                "inception_v3" => Convention::Keras,
                _ => Convention::Torchvision,
            };
            let network = architecture(name, convention, Some(1)).unwrap();
            let plan = Plan::new(&network, Cut::to(network.last()), side, side).unwrap();
            let last = plan.stages.last().unwrap().1;
            let all: usize = plan
                .buffers
                .iter()
                .map(|a| a.height * a.width * a.channels)
                .sum();
            let forward = Schedule::forward(&plan, &[last]);
            let gradient = Schedule::input_gradient(&plan, &[last]);
            let training = Schedule::training(&plan);
            for (what, schedule) in [
                ("forward", &forward),
                ("input gradient", &gradient),
                ("training", &training),
            ] {
                // No arrangement can do with less than what is open at once.
                let most = check(&plan, schedule);
                println!("{name} {what} {all} {most} {}", schedule.values);
                assert!(
                    10 * schedule.values < 11 * most,
                    "{name}, {what}: {most} open, {} held",
                    schedule.values
                );
            }
            assert!(2 * forward.values < all, "{name}");
        }
    }
}
