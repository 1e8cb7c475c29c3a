//! The tags of TIFF 6.0 (and its technical notes 1 and 2) that slides use.

/// A tag: its number and its name in the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tag(pub(crate) u16, pub(crate) &'static str);

pub(crate) const NEW_SUBFILE_TYPE: Tag = Tag(254, "NewSubfileType");
pub(crate) const IMAGE_WIDTH: Tag = Tag(256, "ImageWidth");
pub(crate) const IMAGE_LENGTH: Tag = Tag(257, "ImageLength");
pub(crate) const BITS_PER_SAMPLE: Tag = Tag(258, "BitsPerSample");
pub(crate) const COMPRESSION: Tag = Tag(259, "Compression");
pub(crate) const PHOTOMETRIC: Tag = Tag(262, "PhotometricInterpretation");
pub(crate) const IMAGE_DESCRIPTION: Tag = Tag(270, "ImageDescription");
pub(crate) const STRIP_OFFSETS: Tag = Tag(273, "StripOffsets");
pub(crate) const SAMPLES_PER_PIXEL: Tag = Tag(277, "SamplesPerPixel");
pub(crate) const ROWS_PER_STRIP: Tag = Tag(278, "RowsPerStrip");
pub(crate) const STRIP_BYTE_COUNTS: Tag = Tag(279, "StripByteCounts");
pub(crate) const X_RESOLUTION: Tag = Tag(282, "XResolution");
pub(crate) const Y_RESOLUTION: Tag = Tag(283, "YResolution");
pub(crate) const PLANAR_CONFIGURATION: Tag = Tag(284, "PlanarConfiguration");
pub(crate) const RESOLUTION_UNIT: Tag = Tag(296, "ResolutionUnit");
pub(crate) const SOFTWARE: Tag = Tag(305, "Software");
pub(crate) const PREDICTOR: Tag = Tag(317, "Predictor");
pub(crate) const TILE_WIDTH: Tag = Tag(322, "TileWidth");
pub(crate) const TILE_LENGTH: Tag = Tag(323, "TileLength");
pub(crate) const TILE_OFFSETS: Tag = Tag(324, "TileOffsets");
pub(crate) const TILE_BYTE_COUNTS: Tag = Tag(325, "TileByteCounts");
pub(crate) const SUB_IFDS: Tag = Tag(330, "SubIFDs");
pub(crate) const EXTRA_SAMPLES: Tag = Tag(338, "ExtraSamples");
pub(crate) const SAMPLE_FORMAT: Tag = Tag(339, "SampleFormat");
pub(crate) const JPEG_TABLES: Tag = Tag(347, "JPEGTables");
pub(crate) const YCBCR_SUBSAMPLING: Tag = Tag(530, "YCbCrSubSampling");
pub(crate) const XMP: Tag = Tag(700, "XMP");
/// Hamamatsu's own: its presence tells NDPI from TIFF.
pub(crate) const NDPI_FORMAT: Tag = Tag(65_420, "NDPIFormatFlag");
