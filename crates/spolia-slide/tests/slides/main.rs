//! Slides: real ones against OpenSlide, synthetic ones, and damaged ones.

mod damaged;
mod openslide;
mod pyramid;
mod tiff_parts;
mod vendors;
