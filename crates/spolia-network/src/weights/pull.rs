//! Published ImageNet weights, fetched from where their makers keep them.

use std::{
    fs::File,
    io::{self, BufWriter, Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use md5::Md5;
use sha2::{Digest, Sha256};

use super::Weights;
use crate::{Convention, Error, inception_v3};

/// What a source's makers publish to check a download by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum<'a> {
    /// The first hexadecimal digits of the SHA-256; PyTorch writes eight of them into the file name.
    Sha256(&'a str),
    /// The MD5, hexadecimal. It finds damage, not malice.
    Md5(&'a str),
    /// None: the download is only checked to be whole and to be InceptionV3.
    None,
}

/// Where weights are published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source<'a> {
    /// What users call it.
    pub name: &'a str,
    /// The file.
    pub url: &'a str,
    /// How to check it.
    pub checksum: Checksum<'a>,
    /// What its numbers mean.
    pub convention: Convention,
    /// What was trained on what.
    pub provenance: &'a str,
    /// Its licence.
    pub license: &'a str,
}

/// The known sources.
pub const SOURCES: [Source<'static>; 4] = [
    Source {
        name: "torchvision/inception_v3",
        url: "https://download.pytorch.org/models/inception_v3_google-0cc3c7bd.pth",
        checksum: Checksum::Sha256("0cc3c7bd"),
        convention: Convention::Torchvision,
        provenance: "ImageNet, all layers (trained in TensorFlow, ported to PyTorch); 1,000 classes",
        license: "BSD-3-Clause (torchvision)",
    },
    Source {
        name: "timm/inception_v3.tv_in1k",
        url: "https://huggingface.co/timm/inception_v3.tv_in1k/resolve/main/model.safetensors",
        checksum: Checksum::None,
        convention: Convention::Torchvision,
        provenance: "ImageNet, all layers (torchvision's weights in timm's file); 1,000 classes",
        license: "Apache-2.0 (timm)",
    },
    Source {
        name: "keras/inception_v3",
        url: "https://storage.googleapis.com/tensorflow/keras-applications/inception_v3/inception_v3_weights_tf_dim_ordering_tf_kernels.h5",
        checksum: Checksum::Md5("9a0d58056eeedaa3f26cb7ebd46da564"),
        convention: Convention::Keras,
        provenance: "ImageNet, all layers (keras.applications); 1,000 classes",
        license: "MIT (keras.applications)",
    },
    Source {
        name: "keras/inception_v3_notop",
        url: "https://storage.googleapis.com/tensorflow/keras-applications/inception_v3/inception_v3_weights_tf_dim_ordering_tf_kernels_notop.h5",
        checksum: Checksum::Md5("bcbd6486424b2319ff4ef7d526e38f63"),
        convention: Convention::Keras,
        provenance: "ImageNet, all layers (keras.applications); no classification layer",
        license: "MIT (keras.applications)",
    },
];

/// The longest file that is fetched: three times the largest source.
const LONGEST: u64 = 320_000_000;

/// How long a server may say nothing.
const PATIENCE: Duration = Duration::from_secs(60);

impl Source<'static> {
    /// The known source of that name.
    ///
    /// # Errors
    /// [`Error::Download`], which lists the names.
    pub fn named(name: &str) -> Result<Self, Error> {
        SOURCES
            .into_iter()
            .find(|source| source.name == name)
            .ok_or_else(|| {
                let names: Vec<_> = SOURCES.iter().map(|source| source.name).collect();
                Error::Download {
                    url: name.into(),
                    reason: format!("no such weights; there are {}", names.join(", ")),
                }
            })
    }
}

impl Source<'_> {
    /// The name of the file that [`Source::pull`] writes, such as `torchvision-inception_v3.safetensors`.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{}.safetensors", self.name.replace('/', "-"))
    }

    /// Downloads the weights into `folder`, checks them and writes them as safetensors with their story; says where.
    /// `progress` gets the bytes so far and, where known, of all. The download lies in a temporary file meanwhile,
    /// which is gone in the end.
    ///
    /// # Errors
    /// [`Error::Download`] where the file cannot be fetched or its checksum is another, [`Error::Io`] where it cannot
    /// be written, and [`Weights::load`]'s and [`Weights::check`]'s where it is not InceptionV3.
    pub fn pull(
        &self,
        folder: impl AsRef<Path>,
        progress: &mut dyn FnMut(u64, Option<u64>),
    ) -> Result<PathBuf, Error> {
        let folder = folder.as_ref();
        let io = |source| Error::Io {
            path: folder.into(),
            source,
        };
        std::fs::create_dir_all(folder).map_err(io)?;
        let download = tempfile::Builder::new()
            .prefix(".spolia-")
            .suffix(".part")
            .tempfile_in(folder)
            .map_err(io)?;
        let sha256 = self.fetch(download.as_file(), progress, &io)?;
        let mut weights = Weights::load(download.path(), None)?;
        weights.source = self.url.into();
        weights.metadata.architecture = Some("inception_v3".into());
        weights.metadata.convention = Some(self.convention);
        weights.metadata.provenance = Some(self.provenance.into());
        weights.metadata.license = Some(self.license.into());
        weights.metadata.history.insert(
            0,
            format!("downloaded from {} (SHA-256 {sha256})", self.url),
        );
        weights.check(&inception_v3(self.convention, weights.outputs()))?;
        let path = folder.join(self.file_name());
        weights.save(&path)?;
        Ok(path)
    }

    /// Writes the file behind the URL to `file`, compares its checksum, and says its SHA-256.
    fn fetch(
        &self,
        file: &File,
        progress: &mut dyn FnMut(u64, Option<u64>),
        cannot_write: &dyn Fn(io::Error) -> Error,
    ) -> Result<String, Error> {
        let failed = |why: String| Error::Download {
            url: self.url.into(),
            reason: format!(
                "{why}; download the file by hand (a browser, or curl -LO URL on a machine with a network) and give it \
                 with --weights FILE --convention {}",
                self.convention
            ),
        };
        let limits = ureq::Agent::config_builder()
            .timeout_connect(Some(PATIENCE))
            .timeout_per_read(Some(PATIENCE));
        let agent: ureq::Agent = limits.build().into();
        // Compressed on the way, its length would not be known.
        let request = agent.get(self.url).header("Accept-Encoding", "identity");
        let mut response = request.call().map_err(|e| failed(e.to_string()))?;
        let body = response.body_mut();
        let whole = body.content_length();
        let mut reader = body.with_config().limit(LONGEST).reader();
        let mut writer = BufWriter::new(file);
        let (mut sha256, mut md5) = (Sha256::new(), Md5::new());
        let (mut buffer, mut done) = (vec![0; 1 << 16], 0);
        loop {
            let read = match reader.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(failed(format!("broken off after {done} bytes: {e}"))),
            };
            sha256.update(&buffer[..read]);
            md5.update(&buffer[..read]);
            writer.write_all(&buffer[..read]).map_err(cannot_write)?;
            done += read as u64;
            progress(done, whole);
        }
        writer.flush().map_err(cannot_write)?;
        if whole.is_some_and(|whole| whole != done) {
            return Err(failed(format!("broken off after {done} bytes")));
        }
        let (sha256, md5) = (
            hexadecimal(&sha256.finalize()),
            hexadecimal(&md5.finalize()),
        );
        let (kind, expected, got) = match self.checksum {
            Checksum::Sha256(start) => (
                "SHA-256",
                start,
                sha256.get(..start.len()).unwrap_or(&sha256),
            ),
            Checksum::Md5(all) => ("MD5", all, md5.as_str()),
            Checksum::None => return Ok(sha256),
        };
        if expected != got {
            return Err(failed(format!(
                "the download's {kind} is {got}, its makers' is {expected}; it was damaged or replaced"
            )));
        }
        Ok(sha256)
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
