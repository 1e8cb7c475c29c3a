//! Decoded tiles kept for the next region, within a bound of bytes.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::tiff::Tile;

/// Which tile: slide, directory, number.
pub(crate) type Key = (u64, usize, u64);

/// Decoded tiles, those used last kept longest, for one slide or shared by many; usable from
/// several threads at once.
#[derive(Debug)]
pub struct TileCache {
    most: usize,
    slides: AtomicU64,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    bytes: usize,
    clock: u64,
    tiles: HashMap<Key, (u64, Arc<Tile>)>,
    /// Keys by the time of their last use.
    used: BTreeMap<u64, Key>,
}

impl TileCache {
    /// A cache of at most `most` bytes of decoded pixels (3 bytes each).
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self {
            most,
            slides: AtomicU64::new(0),
            kept: Mutex::default(),
        }
    }

    /// Bytes held now.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.lock().bytes
    }

    /// A number for a slide, so that slides that share the cache do not take each other's tiles.
    pub(crate) fn register(&self) -> u64 {
        self.slides.fetch_add(1, Ordering::Relaxed)
    }

    /// The state is valid after each statement: a panic elsewhere in a holder's thread is no
    /// reason to stop.
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, key: Key) -> Option<Arc<Tile>> {
        let mut kept = self.lock();
        let kept = &mut *kept;
        let (time, tile) = kept.tiles.get_mut(&key)?;
        kept.used.remove(time);
        kept.clock += 1;
        *time = kept.clock;
        kept.used.insert(kept.clock, key);
        Some(Arc::clone(tile))
    }

    pub(crate) fn put(&self, key: Key, tile: &Arc<Tile>) {
        let size = tile.rgb.len();
        if size > self.most {
            return;
        }
        let mut kept = self.lock();
        kept.clock += 1;
        let time = kept.clock;
        if let Some((old, tile)) = kept.tiles.insert(key, (time, Arc::clone(tile))) {
            kept.used.remove(&old);
            kept.bytes -= tile.rgb.len();
        }
        kept.used.insert(time, key);
        kept.bytes += size;
        while kept.bytes > self.most {
            let Some((_, oldest)) = kept.used.pop_first() else {
                break;
            };
            if let Some((_, tile)) = kept.tiles.remove(&oldest) {
                kept.bytes -= tile.rgb.len();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tile_used_least_recently_goes() {
        let cache = TileCache::new(24);
        let tile = || {
            Arc::new(Tile {
                width: 2,
                height: 2,
                rgb: vec![7; 12],
            })
        };
        cache.put((0, 0, 1), &tile());
        cache.put((0, 0, 2), &tile());
        assert!(cache.get((0, 0, 1)).is_some());
        cache.put((0, 0, 3), &tile());
        assert!(cache.get((0, 0, 2)).is_none());
        assert!(cache.get((0, 0, 1)).is_some() && cache.get((0, 0, 3)).is_some());
        cache.put((0, 0, 3), &tile());
        assert_eq!(cache.bytes(), 24);
        cache.put(
            (0, 0, 4),
            &Arc::new(Tile {
                width: 9,
                height: 1,
                rgb: vec![0; 27],
            }),
        );
        assert_eq!(cache.bytes(), 24);
    }
}
