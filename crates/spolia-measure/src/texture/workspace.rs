//! Measuring images one after another in the same memory.

use super::count::{self, Table};
use super::mask::Selected;
use super::sums::Sums;
use super::{Convention, Feature, TextureOptions};
use crate::{Error, Gray};

/// Memory for co-occurrence matrices, reused from image to image (256 KiB an offset).
#[derive(Debug, Clone)]
pub struct Workspace {
    levels: Vec<u8>,
    mask: Vec<bool>,
    lists: [Vec<u16>; 4],
    tables: Vec<Table>,
    sums: Vec<Sums>,
    kept: Vec<usize>,
}

impl Default for Workspace {
    fn default() -> Self {
        Self::new()
    }
}

impl Workspace {
    /// An empty workspace; it grows with what it is used for.
    #[must_use]
    pub fn new() -> Self {
        Self {
            levels: Vec::new(),
            mask: Vec::new(),
            lists: Default::default(),
            tables: Vec::new(),
            sums: Vec::new(),
            kept: Vec::new(),
        }
    }

    /// The texture of a whole image.
    ///
    /// # Errors
    /// [`Error::NoOffsets`] without an offset, [`Error::NoPairsAt`] for an image that has no pair of
    /// pixels at an offset (by pyradiomics' convention: at any), [`Error::Levels`],
    /// [`Error::PixelAboveLevels`], [`Error::BinWidth`], [`Error::BinCount`] for a binning that does
    /// not fit the image, [`Error::TooLarge`] beyond 2^32 pixels.
    pub fn texture(
        &mut self,
        image: &Gray,
        options: &TextureOptions,
    ) -> Result<Texture<'_>, Error> {
        self.measure(image, None, options)
    }

    /// The texture of the pixels where `mask` (one a pixel, row by row) is true: binning sees these
    /// alone, and a pair counts where both its pixels are of them.
    ///
    /// # Errors
    /// Those of [`Workspace::texture`]; [`Error::MeasuredMask`] for a mask of another size than the
    /// image, [`Error::EmptyMask`] for one without a pixel.
    pub fn texture_in(
        &mut self,
        image: &Gray,
        mask: &[bool],
        options: &TextureOptions,
    ) -> Result<Texture<'_>, Error> {
        self.measure(image, Some(mask), options)
    }

    fn measure(
        &mut self,
        image: &Gray,
        mask: Option<&[bool]>,
        options: &TextureOptions,
    ) -> Result<Texture<'_>, Error> {
        if options.offsets.is_empty() {
            return Err(Error::NoOffsets);
        }
        let mut selected = Selected::new(image, mask)?;
        let levels = options.binning.apply(&selected, &mut self.levels)?;
        if options.ignore_zeros {
            self.mask.clear();
            match mask {
                None => self.mask.extend(image.pixels().iter().map(|&v| v > 0)),
                Some(mask) => {
                    let pixels = image.pixels().iter().zip(mask);
                    self.mask.extend(pixels.map(|(&v, &m)| m && v > 0));
                }
            }
            selected.mask = Some(&self.mask);
        }
        let offsets = &options.offsets;
        if self.tables.len() < offsets.len() {
            self.tables.resize_with(offsets.len(), Table::new);
            self.sums.resize_with(offsets.len(), Sums::default);
        }
        let tables = &mut self.tables[..offsets.len()];
        count::count(
            &selected,
            &self.levels,
            levels.high - levels.low + 1,
            options.symmetric,
            offsets,
            tables,
            &mut self.lists,
        );
        self.kept.clear();
        for (k, (table, sums)) in tables.iter().zip(&mut self.sums).enumerate() {
            sums.sweep(table);
            if sums.total > 0 {
                self.kept.push(k);
            } else if options.convention != Convention::Pyradiomics {
                return Err(no_pairs(image, options, k));
            }
        }
        if self.kept.is_empty() {
            return Err(no_pairs(image, options, 0));
        }
        Ok(Texture {
            convention: options.convention,
            low: levels.low,
            number: levels.number,
            kept: &self.kept,
            tables: &self.tables,
            sums: &self.sums,
        })
    }
}

fn no_pairs(image: &Gray, options: &TextureOptions, k: usize) -> Error {
    let offset = options.offsets[k];
    Error::NoPairsAt {
        width: image.width(),
        height: image.height(),
        down: offset.down,
        right: offset.right,
    }
}

/// The matrices of one image, one an offset, and their features.
#[derive(Debug, Clone, Copy)]
pub struct Texture<'w> {
    convention: Convention,
    low: usize,
    number: usize,
    kept: &'w [usize],
    tables: &'w [Table],
    sums: &'w [Sums],
}

impl Texture<'_> {
    /// How many offsets are measured: those of the options, less those without pairs by
    /// pyradiomics' convention.
    #[must_use]
    pub fn offsets(&self) -> usize {
        self.kept.len()
    }

    /// Gray levels: the matrix of `levels x levels` holds those that do not occur too.
    #[must_use]
    pub fn levels(&self) -> usize {
        self.number
    }

    /// How often level `j` lies at the offset from level `i`, levels counted from 0 whatever the
    /// convention; `None` beyond the last offset.
    #[must_use]
    pub fn count(&self, offset: usize, i: usize, j: usize) -> Option<u64> {
        let table = &self.tables[*self.kept.get(offset)?];
        Some(table.at_levels(self.low, i, j))
    }

    /// A feature at one offset; `None` beyond the last.
    #[must_use]
    pub fn get(&self, feature: Feature, offset: usize) -> Option<f64> {
        self.kept.get(offset).map(|&k| self.at(feature, k))
    }

    /// A feature at every offset, in the options' order.
    pub fn values(&self, feature: Feature) -> impl Iterator<Item = f64> + '_ {
        self.kept.iter().map(move |&k| self.at(feature, k))
    }

    /// The mean of a feature over the offsets.
    #[must_use]
    pub fn mean(&self, feature: Feature) -> f64 {
        self.values(feature).sum::<f64>() / self.kept.len() as f64
    }

    /// The range of a feature over the offsets: its largest less its smallest value.
    #[must_use]
    pub fn range(&self, feature: Feature) -> f64 {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in self.values(feature) {
            low = low.min(value);
            high = high.max(value);
        }
        high - low
    }

    fn at(&self, feature: Feature, k: usize) -> f64 {
        let matrix = Matrix {
            convention: self.convention,
            first: self.low + self.convention.first_level(),
            number: self.number,
            table: &self.tables[k],
            sums: &self.sums[k],
        };
        feature.of(&matrix)
    }
}

/// One matrix with what its features need to know.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Matrix<'a> {
    pub convention: Convention,
    /// The convention's number of the first level of `table`.
    pub first: usize,
    /// Levels, occurring or not.
    pub number: usize,
    pub table: &'a Table,
    pub sums: &'a Sums,
}

/// Haralick's 13 features of the whole image in the four directions, as
/// `mahotas.features.haralick(image, distance=distance)`: `[direction][feature]`, directions 0, 45,
/// 90, 135 degrees, features in the order of [`Feature::HARALICK`].
///
/// ```
/// use spolia_measure::{Gray, Workspace, haralick13};
///
/// let image = Gray::new(vec![0, 0, 1, 1, 0, 0, 1, 1, 0, 2, 2, 2, 2, 2, 3, 3], 4, 4)?;
/// let mut workspace = Workspace::new(); // one for all images
/// let features = haralick13(&image, 1, &mut workspace)?;
/// assert_eq!(features[0][1], 7.0 / 12.0); // contrast, 0 degrees
/// # Ok::<(), spolia_measure::Error>(())
/// ```
///
/// # Errors
/// [`Error::ZeroDistance`], [`Error::FarDistance`], [`Error::NoPairsAt`] for an image that is too
/// small, [`Error::TooLarge`] beyond 2^32 pixels.
pub fn haralick13(
    image: &Gray,
    distance: u32,
    workspace: &mut Workspace,
) -> Result<[[f64; 13]; 4], Error> {
    let texture = workspace.texture(image, &TextureOptions::mahotas(distance)?)?;
    let mut features = [[0.0; 13]; 4];
    for (k, row) in features.iter_mut().enumerate() {
        for (value, &feature) in row.iter_mut().zip(Feature::HARALICK) {
            *value = texture.at(feature, k);
        }
    }
    Ok(features)
}
