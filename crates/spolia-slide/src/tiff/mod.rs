//! TIFF and BigTIFF as slides use them: directories ([`ifd`]), the grid of tiles or strips of one
//! image ([`raster`]) and what turns their bytes into RGB ([`decode`]).

mod decode;
pub(crate) mod fault;
pub(crate) mod ifd;
mod jpeg;
mod jpeg2000;
mod raster;
mod source;
pub(crate) mod tags;

pub(crate) use decode::{Compression, raw as decode_raw};
pub use fault::Fault;
pub(crate) use ifd::{At, Directory, Tiff};
pub(crate) use raster::{Raster, Tile};
