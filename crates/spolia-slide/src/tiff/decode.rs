//! From the bytes of a tile or strip to RGB.

use std::io::Read;

use super::{jpeg, jpeg2000};

/// Name of a decoder and what it says.
pub(crate) type Refusal = (&'static str, String);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    Lzw,
    Jpeg,
    Deflate,
    PackBits,
    /// `ycbcr` is what the compression tag says of the colours, where it does (Aperio).
    Jpeg2000 {
        ycbcr: Option<bool>,
    },
}

impl Compression {
    pub(crate) fn from_code(code: u64) -> Option<Self> {
        Some(match code {
            1 => Self::None,
            5 => Self::Lzw,
            7 => Self::Jpeg,
            8 | 32_946 => Self::Deflate,
            32_773 => Self::PackBits,
            33_003 => Self::Jpeg2000 { ycbcr: Some(true) },
            33_005 => Self::Jpeg2000 { ycbcr: Some(false) },
            34_712 => Self::Jpeg2000 { ycbcr: None },
            _ => return None,
        })
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Lzw => "LZW",
            Self::Jpeg => "JPEG",
            Self::Deflate => "deflate",
            Self::PackBits => "PackBits",
            Self::Jpeg2000 { .. } => "JPEG 2000",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Photometric {
    WhiteIsZero,
    BlackIsZero,
    Rgb,
    YCbCr,
}

/// How the samples of an image are stored.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) compression: Compression,
    pub(crate) photometric: Photometric,
    /// Samples of a pixel.
    pub(crate) samples: usize,
    /// 16 bits a sample instead of 8.
    pub(crate) wide: bool,
    pub(crate) big_endian: bool,
    /// Each channel in tiles of its own.
    pub(crate) separate: bool,
    /// Samples are differences to the pixel before.
    pub(crate) difference: bool,
    /// The fourth sample covers: 1 where colours are multiplied by it, 2 where not.
    pub(crate) alpha: Option<u64>,
    /// What all JPEG tiles have in common (JPEGTables).
    pub(crate) tables: Option<Vec<u8>>,
}

impl Layout {
    pub(crate) fn planes(&self) -> u64 {
        if self.separate {
            self.samples as u64
        } else {
            1
        }
    }

    pub(crate) fn pixel_bytes(&self) -> u64 {
        self.samples as u64 * if self.wide { 2 } else { 1 }
    }
}

/// Decodes a tile of `width * height` pixels; `parts` holds its bytes, one part for each plane.
pub(crate) fn rgb(
    layout: &Layout,
    parts: &[Vec<u8>],
    width: usize,
    height: usize,
) -> Result<Vec<u8>, Refusal> {
    let mut planes = parts
        .iter()
        .map(|part| samples(layout, part, width, height));
    let all = match planes.next() {
        Some(first) if layout.separate => {
            let mut all = vec![0; width * height * layout.samples];
            for (channel, plane) in std::iter::once(first).chain(planes).enumerate() {
                for (pixel, value) in all.chunks_exact_mut(layout.samples).zip(plane?.samples) {
                    pixel[channel] = value;
                }
            }
            Samples {
                each: layout.samples,
                samples: all,
                ycbcr: layout.photometric == Photometric::YCbCr,
            }
        }
        Some(first) => first?,
        None => return Err(("planes", "there are none".into())),
    };
    Ok(colour(layout, all))
}

/// 8-bit samples, `each` of them a pixel.
struct Samples {
    each: usize,
    samples: Vec<u8>,
    ycbcr: bool,
}

fn samples(layout: &Layout, bytes: &[u8], width: usize, height: usize) -> Result<Samples, Refusal> {
    let each = if layout.separate { 1 } else { layout.samples };
    let ycbcr = layout.photometric == Photometric::YCbCr;
    match layout.compression {
        Compression::Jpeg => {
            let tables = layout.tables.as_deref();
            let (each, samples) = jpeg::decode(tables, bytes, width, height, ycbcr)
                .map_err(|reason| ("JPEG", reason))?;
            return Ok(Samples {
                each,
                samples,
                ycbcr: false,
            });
        }
        Compression::Jpeg2000 { ycbcr: said } => {
            let (each, samples) =
                jpeg2000::decode(bytes, width, height).map_err(|reason| ("JPEG 2000", reason))?;
            return Ok(Samples {
                each,
                samples,
                ycbcr: said.unwrap_or(ycbcr),
            });
        }
        _ => {}
    }
    let wanted = width * height * each * if layout.wide { 2 } else { 1 };
    let mut raw = raw(layout.compression, bytes, wanted)?;
    if layout.difference {
        undo_difference(&mut raw, width * each, each, layout);
    }
    if layout.wide {
        let high = usize::from(!layout.big_endian);
        raw = raw.chunks_exact(2).map(|pair| pair[high]).collect();
    }
    Ok(Samples {
        each,
        samples: raw,
        ycbcr,
    })
}

/// Exactly `wanted` uncompressed bytes: never more, whatever the compressed bytes say.
pub(crate) fn raw(
    compression: Compression,
    bytes: &[u8],
    wanted: usize,
) -> Result<Vec<u8>, Refusal> {
    let name = compression.name();
    let mut out = Vec::with_capacity(wanted);
    match compression {
        Compression::Lzw => {
            let mut decoder =
                weezl::decode::Decoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8);
            out.resize(wanted, 0);
            let mut done = (0, 0);
            while done.1 < wanted {
                let step = decoder.decode_bytes(&bytes[done.0..], &mut out[done.1..]);
                done = (done.0 + step.consumed_in, done.1 + step.consumed_out);
                match step.status {
                    Ok(weezl::LzwStatus::Ok) => {}
                    Ok(_) => break,
                    Err(e) => return Err((name, e.to_string())),
                }
            }
            out.truncate(done.1);
        }
        Compression::Deflate => {
            flate2::read::ZlibDecoder::new(bytes)
                .take(wanted as u64)
                .read_to_end(&mut out)
                .map_err(|e| (name, e.to_string()))?;
        }
        Compression::PackBits => pack_bits(bytes, wanted, &mut out),
        _ => out.extend_from_slice(&bytes[..bytes.len().min(wanted)]),
    }
    if out.len() < wanted {
        return Err((name, format!("ends after {} of {wanted} bytes", out.len())));
    }
    Ok(out)
}

fn pack_bits(bytes: &[u8], wanted: usize, out: &mut Vec<u8>) {
    let mut rest = bytes;
    while let [head, tail @ ..] = rest
        && out.len() < wanted
    {
        let head = *head as i8;
        let room = wanted - out.len();
        rest = tail;
        match head {
            0.. => {
                let n = (head as usize + 1).min(rest.len());
                out.extend_from_slice(&rest[..n.min(room)]);
                rest = &rest[n..];
            }
            -128 => {}
            _ => {
                let [value, tail @ ..] = rest else { break };
                out.extend(
                    std::iter::repeat_n(*value, (1 - isize::from(head)) as usize).take(room),
                );
                rest = tail;
            }
        }
    }
}

fn undo_difference(raw: &mut [u8], row: usize, each: usize, layout: &Layout) {
    if !layout.wide {
        for line in raw.chunks_exact_mut(row) {
            for at in each..line.len() {
                line[at] = line[at].wrapping_add(line[at - each]);
            }
        }
        return;
    }
    for line in raw.chunks_exact_mut(row * 2) {
        for at in (each * 2..line.len()).step_by(2) {
            let before = at - each * 2;
            let (a, b) = ([line[at], line[at + 1]], [line[before], line[before + 1]]);
            let sum = if layout.big_endian {
                u16::from_be_bytes(a)
                    .wrapping_add(u16::from_be_bytes(b))
                    .to_be_bytes()
            } else {
                u16::from_le_bytes(a)
                    .wrapping_add(u16::from_le_bytes(b))
                    .to_le_bytes()
            };
            line[at..at + 2].copy_from_slice(&sum);
        }
    }
}

fn colour(layout: &Layout, all: Samples) -> Vec<u8> {
    let Samples {
        each,
        mut samples,
        ycbcr,
    } = all;
    if each < 3 {
        let invert = layout.photometric == Photometric::WhiteIsZero;
        return samples
            .chunks_exact(each)
            .flat_map(|pixel| [if invert { 255 - pixel[0] } else { pixel[0] }; 3])
            .collect();
    }
    if each > 3 {
        samples = samples
            .chunks_exact(each)
            .flat_map(|pixel| over_white(pixel, layout.alpha))
            .collect();
    }
    if ycbcr {
        for pixel in samples.as_chunks_mut::<3>().0 {
            *pixel = rgb_of(*pixel);
        }
    }
    samples
}

/// A pixel laid over white, as glass lies over light; without alpha, its first three samples.
fn over_white(pixel: &[u8], alpha: Option<u64>) -> [u8; 3] {
    let cover = u32::from(pixel[3]);
    [0, 1, 2].map(|channel| {
        let value = u32::from(pixel[channel]);
        match alpha {
            Some(1) => (value + 255 - cover).min(255) as u8,
            Some(_) => ((value * cover + 255 * (255 - cover) + 127) / 255) as u8,
            None => value as u8,
        }
    })
}

/// ITU-R BT.601, full range, as JFIF has it.
fn rgb_of([y, cb, cr]: [u8; 3]) -> [u8; 3] {
    let y = i32::from(y) << 16;
    let (cb, cr) = (i32::from(cb) - 128, i32::from(cr) - 128);
    let round = |value: i32| ((value + (1 << 15)) >> 16).clamp(0, 255) as u8;
    [
        round(y + 91_881 * cr),
        round(y - 22_554 * cb - 46_802 * cr),
        round(y + 116_130 * cb),
    ]
}

#[cfg(test)]
mod tests {
    use super::{pack_bits, rgb_of};

    #[test]
    fn colours_of_jfif() {
        assert_eq!(rgb_of([255, 128, 128]), [255, 255, 255]);
        assert_eq!(rgb_of([76, 85, 255]), [254, 0, 0]);
        assert_eq!(rgb_of([29, 255, 107]), [0, 0, 254]);
    }

    #[test]
    fn pack_bits_of_apple() {
        // the example of Apple's technical note 1023
        let packed = [
            0xFE, 0xAA, 0x02, 0x80, 0x00, 0x2A, 0xFD, 0xAA, 0x03, 0x80, 0x00, 0x2A, 0x22, 0xF7,
            0xAA,
        ];
        let mut out = Vec::new();
        pack_bits(&packed, 24, &mut out);
        let mut wanted = vec![0xAA, 0xAA, 0xAA, 0x80, 0x00, 0x2A, 0xAA, 0xAA, 0xAA, 0xAA];
        wanted.extend([0x80, 0x00, 0x2A, 0x22]);
        wanted.extend([0xAA; 10]);
        assert_eq!(out, wanted);
    }
}
