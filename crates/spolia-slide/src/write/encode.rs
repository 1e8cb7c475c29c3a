//! A tile's bytes in the file.

use std::io::Write;

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageResult, RgbImage};

use super::Codec;

/// A tile as it is stored; for JPEG, the tables that all tiles share apart.
pub(super) struct Encoded {
    pub(super) tables: Vec<u8>,
    pub(super) bytes: Vec<u8>,
}

pub(super) fn encode(codec: Codec, tile: &RgbImage) -> ImageResult<Encoded> {
    let raw = tile.as_raw();
    match codec {
        Codec::Raw => Ok(Encoded {
            tables: Vec::new(),
            bytes: raw.clone(),
        }),
        Codec::Deflate => {
            let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
            zlib.write_all(raw)?;
            Ok(Encoded {
                tables: Vec::new(),
                bytes: zlib.finish()?,
            })
        }
        Codec::Jpeg { quality } => {
            let mut stream = Vec::new();
            JpegEncoder::new_with_quality(&mut stream, quality).encode(
                raw,
                tile.width(),
                tile.height(),
                ExtendedColorType::Rgb8,
            )?;
            Ok(abbreviate(&stream))
        }
    }
}

/// Splits a JPEG stream into its tables (quantization and Huffman) and the rest, both with their
/// own start; application segments are left out, as the TIFF's tags say what they would.
fn abbreviate(stream: &[u8]) -> Encoded {
    let (mut tables, mut bytes) = (vec![0xFF, 0xD8], vec![0xFF, 0xD8]);
    let mut rest = stream.get(2..).unwrap_or_default();
    while let [0xFF, marker, high, low, ..] = *rest {
        let length = 2 + usize::from(u16::from_be_bytes([high, low]));
        if marker == 0xDA || length > rest.len() {
            break;
        }
        let (segment, after) = rest.split_at(length);
        match marker {
            0xC4 | 0xDB => tables.extend_from_slice(segment),
            0xE0..=0xEF => {}
            _ => bytes.extend_from_slice(segment),
        }
        rest = after;
    }
    tables.extend([0xFF, 0xD9]);
    bytes.extend_from_slice(rest);
    Encoded { tables, bytes }
}
