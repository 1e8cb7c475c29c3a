//! Numbers as they lie in files, turned into f32.

/// The number types that weights files hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    F64,
    F32,
    F16,
    Bf16,
}

impl Element {
    /// Bytes of one number.
    pub(super) fn size(self) -> usize {
        match self {
            Self::F64 => 8,
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
        }
    }

    /// Little-endian bytes as f32; a rest shorter than one number is left out.
    pub(super) fn decode(self, bytes: &[u8]) -> Vec<f32> {
        match self {
            Self::F64 => {
                let (numbers, _) = bytes.as_chunks::<8>();
                numbers
                    .iter()
                    .map(|&b| f64::from_le_bytes(b) as f32)
                    .collect()
            }
            Self::F32 => {
                let (numbers, _) = bytes.as_chunks::<4>();
                numbers.iter().map(|&b| f32::from_le_bytes(b)).collect()
            }
            Self::F16 => {
                let (numbers, _) = bytes.as_chunks::<2>();
                numbers
                    .iter()
                    .map(|&b| half(u16::from_le_bytes(b)))
                    .collect()
            }
            Self::Bf16 => {
                let (numbers, _) = bytes.as_chunks::<2>();
                numbers
                    .iter()
                    .map(|&b| f32::from_bits(u32::from(u16::from_le_bytes(b)) << 16))
                    .collect()
            }
        }
    }

    /// The number at `index`, `None` behind the end.
    pub(super) fn get(self, bytes: &[u8], index: usize) -> Option<f32> {
        let start = index.checked_mul(self.size())?;
        let number = bytes.get(start..start.checked_add(self.size())?)?;
        self.decode(number).first().copied()
    }
}

/// IEEE 754 binary16 as f32, exactly.
fn half(bits: u16) -> f32 {
    let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
    let fraction = f32::from(bits & 0x3ff) / 1024.0;
    match (bits >> 10) & 0x1f {
        0 => sign * fraction * 2f32.powi(-14),
        0x1f if bits & 0x3ff == 0 => sign * f32::INFINITY,
        0x1f => f32::NAN,
        exponent => sign * (1.0 + fraction) * 2f32.powi(i32::from(exponent) - 15),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_precision_is_exact() {
        // Bit patterns and values of the standard's binary16: 1, -2, the largest, the smallest normal and subnormal.
        for (bits, value) in [
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x7bff, 65504.0),
            (0x0400, 6.103_515_6e-5),
            (0x0001, 5.960_464_5e-8),
            (0x3555, 0.333_251_95),
            (0xfc00, f32::NEG_INFINITY),
        ] {
            assert_eq!(half(bits), value, "{bits:#06x}");
        }
        assert!(half(0x7e00).is_nan());
    }

    #[test]
    fn every_type_decodes_little_endian() {
        assert_eq!(Element::F64.decode(&(-1.5f64).to_le_bytes()), [-1.5]);
        assert_eq!(Element::F32.decode(&0.1f32.to_le_bytes()), [0.1]);
        assert_eq!(Element::F16.decode(&[0x00, 0x3c, 0x00, 0xc0]), [1.0, -2.0]);
        assert_eq!(
            Element::Bf16.decode(&[0x80, 0x3f, 0x49, 0x40]),
            [1.0, 3.140_625]
        );
        assert_eq!(
            Element::Bf16.get(&[0x80, 0x3f, 0x49, 0x40], 1),
            Some(3.140_625)
        );
        assert_eq!(Element::Bf16.get(&[0x80, 0x3f, 0x49, 0x40], 2), None);
        assert_eq!(Element::F64.get(&[0; 8], usize::MAX), None);
    }
}
