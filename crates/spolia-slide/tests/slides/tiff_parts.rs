//! TIFFs made by hand, tag by tag, for what the writer does not write and for what is wrong.

/// A classic TIFF, little-endian: directories of tags (number, type, values as bytes) before
/// their data.
pub struct Tiff {
    pub bytes: Vec<u8>,
    link: usize,
}

pub const SHORT: u16 = 3;
pub const LONG: u16 = 4;
pub const TEXT: u16 = 2;
pub const FRACTION: u16 = 5;

pub type Entry = (u16, u16, Vec<u8>);

pub fn longs(tag: u16, values: &[u32]) -> Entry {
    (
        tag,
        LONG,
        values.iter().flat_map(|v| v.to_le_bytes()).collect(),
    )
}

pub fn shorts(tag: u16, values: &[u16]) -> Entry {
    (
        tag,
        SHORT,
        values.iter().flat_map(|v| v.to_le_bytes()).collect(),
    )
}

pub fn text(tag: u16, value: &str) -> Entry {
    (tag, TEXT, [value.as_bytes(), &[0]].concat())
}

pub fn fraction(tag: u16, value: (u32, u32)) -> Entry {
    (
        tag,
        FRACTION,
        [value.0.to_le_bytes(), value.1.to_le_bytes()].concat(),
    )
}

impl Tiff {
    pub fn new() -> Self {
        Self {
            bytes: vec![b'I', b'I', 42, 0, 0, 0, 0, 0],
            link: 4,
        }
    }

    /// Appends bytes and returns where they lie.
    pub fn append(&mut self, bytes: &[u8]) -> u32 {
        let at = self.bytes.len() as u32;
        self.bytes.extend_from_slice(bytes);
        at
    }

    /// Appends a directory and returns where it lies.
    pub fn directory(&mut self, mut entries: Vec<Entry>) -> u32 {
        entries.sort_by_key(|entry| entry.0);
        let mut table = (entries.len() as u16).to_le_bytes().to_vec();
        for (tag, kind, mut values) in entries {
            let size = match kind {
                SHORT => 2,
                LONG => 4,
                FRACTION => 8,
                _ => 1,
            };
            table.extend(tag.to_le_bytes());
            table.extend(kind.to_le_bytes());
            table.extend(((values.len() / size) as u32).to_le_bytes());
            if values.len() > 4 {
                table.extend(self.append(&values).to_le_bytes());
            } else {
                values.resize(4, 0);
                table.extend(values);
            }
        }
        let at = self.append(&table);
        let link = self.link;
        self.bytes[link..link + 4].copy_from_slice(&at.to_le_bytes());
        self.link = self.bytes.len();
        self.append(&[0; 4]);
        at
    }

    /// Appends a directory that only a tag points to, and returns where it lies.
    pub fn below(&mut self, entries: Vec<Entry>) -> u32 {
        let link = self.link;
        let kept = self.bytes[link..link + 4].to_vec();
        let at = self.directory(entries);
        self.bytes[link..link + 4].copy_from_slice(&kept);
        self.link = link;
        at
    }

    /// Appends an uncompressed tiled image of one colour and returns its tags.
    pub fn tiled(&mut self, width: u32, height: u32, tile: u32, rgb: [u8; 3]) -> Vec<Entry> {
        let count = width.div_ceil(tile) * height.div_ceil(tile);
        let pixels = rgb.repeat((tile * tile) as usize);
        let offset = self.append(&pixels);
        vec![
            longs(256, &[width]),
            longs(257, &[height]),
            shorts(258, &[8, 8, 8]),
            shorts(259, &[1]),
            shorts(262, &[2]),
            shorts(277, &[3]),
            longs(322, &[tile]),
            longs(323, &[tile]),
            longs(324, &vec![offset; count as usize]),
            longs(325, &vec![pixels.len() as u32; count as usize]),
        ]
    }

    /// Appends an image of one strip and returns its tags.
    pub fn striped(&mut self, size: (u32, u32), samples: u16, strip: &[u8]) -> Vec<Entry> {
        let offset = self.append(strip);
        vec![
            longs(256, &[size.0]),
            longs(257, &[size.1]),
            shorts(258, &vec![8; samples.into()]),
            shorts(259, &[1]),
            shorts(262, &[if samples >= 3 { 2 } else { 1 }]),
            longs(273, &[offset]),
            shorts(277, &[samples]),
            longs(278, &[size.1]),
            longs(279, &[strip.len() as u32]),
        ]
    }

    pub fn save(&self, folder: &std::path::Path) -> std::path::PathBuf {
        let path = folder.join("slide.tif");
        std::fs::write(&path, &self.bytes).unwrap();
        path
    }
}

/// Replaces the entries of the same tags, or adds them.
pub fn with(mut entries: Vec<Entry>, others: Vec<Entry>) -> Vec<Entry> {
    for other in others {
        entries.retain(|entry| entry.0 != other.0);
        entries.push(other);
    }
    entries
}
