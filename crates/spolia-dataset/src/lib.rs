//! Patches of pathology images: one table for every source, splits that do not leak,
//! augmentation.
//!
//! [`resolve`] turns what a user names (an image, a folder, a CSV, an HDF5 file) into a
//! [`PatchTable`]; a [`Reader`] reads the pixels of its [`Patch`]es; [`split`] divides them by
//! patient, and [`ensure_no_leaks`] refuses a division in which training and test share patients
//! or images.
//!
//! ```
//! use spolia_dataset::{Reader, ResolveOptions, Split, SplitOptions, resolve, split};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let mut csv = String::from("file,label,patient\n");
//! # for i in 0..12u8 {
//! #     image::RgbImage::from_pixel(8, 8, image::Rgb([i, 0, 0])).save(folder.path().join(format!("{i}.png")))?;
//! #     csv.push_str(&format!("{i}.png,{},p{}\n", i % 2, i / 2));
//! # }
//! # std::fs::write(folder.path().join("patches.csv"), csv)?;
//! let (table, problems) = resolve(folder.path(), &ResolveOptions::default())?;
//! assert!(problems.is_empty());
//!
//! let divided = split(&table, None, &SplitOptions { val: 0.2, test: 0.2, ..Default::default() })?;
//! let reader = Reader::new();
//! for patch in divided.table.of_split(Split::Train) {
//!     let image = reader.read(patch)?;
//!     assert_eq!(image.data.len(), image.width * image.height * 3);
//! }
//! divided.table.write_csv(&folder.path().join("divided.csv"))?;
//! # Ok(())
//! # }
//! ```

mod augment;
mod camelyon;
mod camelyon_write;
mod check;
mod clam;
mod duplicates;
mod error;
mod folder;
mod groups;
mod hdf5;
mod leak;
mod pcam;
mod read;
mod region;
mod resolve;
mod split;
mod stain;
mod table;
mod table_csv;
mod wilds;

pub use augment::{Augment, Change, augment};
pub use camelyon_write::write_camelyon_hdf5;
pub use check::{Check, Count, check};
pub use duplicates::{ContentHash, Duplicate, content_hashes, duplicates};
pub use error::{Error, Result};
pub use groups::{Groups, Unit, groups};
pub use leak::{Leak, Shared, ensure_no_leaks, leaks};
pub use read::{Reader, RgbPatch};
pub use region::{Mpp, Region, Resolution};
pub use resolve::{Problem, ResolveOptions, resolve};
pub use split::{SplitOptions, Splitting, split};
pub use stain::{SlideStain, slide_stains};
pub use table::{Patch, PatchTable, Source, Split, default_classes, parse_label};
pub use table_csv::COLUMNS;
