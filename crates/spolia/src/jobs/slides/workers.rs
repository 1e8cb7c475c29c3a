//! A fixed number of threads over a list; what they make does not depend on how many there are.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

/// Slides at once: a slide's patches are read in parallel too, and each slide in hand takes its thumbnails' memory.
pub(super) const MOST: usize = 4;

/// What `work` makes of each item, in the items' order. `workers` items are in hand at once; `seen` hears of each as it is finished, in
/// any order, on the caller's thread.
pub(super) fn in_order<T: Sync, R: Send>(
    items: &[T],
    workers: usize,
    work: impl Fn(&T) -> R + Sync,
    mut seen: impl FnMut(usize, &R),
) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let (send, receive) = mpsc::channel();
    let mut made: Vec<Option<R>> = items.iter().map(|_| None).collect();
    std::thread::scope(|scope| {
        for _ in 0..workers.clamp(1, items.len().max(1)) {
            let (send, next, work) = (send.clone(), &next, &work);
            scope.spawn(move || {
                while let Some((index, item)) = take(next, items) {
                    // The receiver lives until all senders are gone.
                    let _ = send.send((index, work(item)));
                }
            });
        }
        drop(send);
        for (index, result) in receive {
            seen(index, &result);
            made[index] = Some(result);
        }
    });
    made.into_iter().flatten().collect()
}

fn take<'t, T>(next: &AtomicUsize, items: &'t [T]) -> Option<(usize, &'t T)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    Some((index, items.get(index)?))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_order_is_that_of_the_items() {
        let items: Vec<u64> = (0..20).collect();
        let slow_first = |&item: &u64| {
            std::thread::sleep(Duration::from_millis(20 - item));
            item * item
        };
        let wanted: Vec<u64> = items.iter().map(|i| i * i).collect();
        for workers in [1, 3, 40] {
            let mut seen = Vec::new();
            let made = in_order(&items, workers, slow_first, |index, _| seen.push(index));
            assert_eq!(made, wanted);
            seen.sort_unstable();
            assert_eq!(seen, (0..20).collect::<Vec<_>>());
        }
        assert!(in_order(&[] as &[u64], 4, slow_first, |_, _| {}).is_empty());
    }
}
