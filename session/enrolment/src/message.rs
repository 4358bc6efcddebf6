//! The messages: four bytes of length, then JSON. The operator says hello with a proof, the device welcomes with its own and a
//! request, the operator offers what it signed, the device says whether it has taken it.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Longest first message of each side, bytes: from somebody who may be anybody.
pub const MAX_FIRST: u32 = 16 << 10;
/// Longest offer, bytes: a revocation list of 1 MiB, in JSON, and some certificates.
pub const MAX_OFFER: u32 = 2 << 20;

/// The operator's first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hello {
    /// See [`super::Secret::proof`].
    pub proof: super::Proof,
}

/// What the device answers to a [`Hello`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Welcome {
    /// See [`super::Secret::proof`].
    pub proof: super::Proof,
    /// A certificate signing request (PKCS #10), PEM; its key was made for it and stays where it is.
    pub request: String,
    /// What the device calls itself.
    pub host: String,
}

/// What the operator gives, PEM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offer {
    /// The device's, and those between it and the authority's.
    pub certificate: String,
    /// Whose certificates open the device's door.
    pub authority: String,
    /// Its revocation list.
    pub revoked: String,
}

/// Why a device goes no further.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// So many tries are left; with none the screen shows another code soon.
    WrongCode {
        /// 0 to 4.
        left: u32,
    },
    /// The screen shows no code now.
    NoCode,
    /// Somebody has proven the code, and is not done yet.
    Busy,
    /// What was offered is not taken, in a sentence.
    NotTaken(String),
}

/// The device's answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// To a proof that is right.
    Welcome(Welcome),
    /// To an offer: it is in force.
    Done,
    /// To either.
    Refused(Refusal),
}

/// Why there is no message.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// The connection ended, or did not take it.
    #[error("the connection ended: {0}")]
    Io(#[from] std::io::Error),
    /// More bytes than are allowed.
    #[error("a message of {0} bytes, allowed are {1}")]
    Long(u32, u32),
    /// Not what is expected.
    #[error("a message that can't be read: {0}")]
    Json(#[from] serde_json::Error),
}

/// Reads one, of at most `limit` bytes. Holds no more than has arrived.
pub async fn read<T: DeserializeOwned>(stream: &mut (impl AsyncRead + Unpin), limit: u32) -> Result<T, Failed> {
    let length = stream.read_u32().await?;
    if length > limit {
        return Err(Failed::Long(length, limit));
    }
    let mut bytes = Vec::new();
    stream.take(length.into()).read_to_end(&mut bytes).await?;
    if u32::try_from(bytes.len()) != Ok(length) {
        return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
    }
    Ok(serde_json::from_slice(&bytes)?)
}

/// Writes one.
pub async fn write<T: Serialize>(stream: &mut (impl AsyncWrite + Unpin), message: &T) -> Result<(), Failed> {
    let bytes = serde_json::to_vec(message)?;
    let length = u32::try_from(bytes.len()).map_err(|_| Failed::Long(u32::MAX, MAX_OFFER))?;
    stream.write_all(&[&length.to_be_bytes()[..], &bytes].concat()).await?;
    Ok(stream.flush().await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn told<T: DeserializeOwned>(mut bytes: &[u8]) -> Result<T, Failed> {
        read(&mut bytes, MAX_FIRST).await
    }

    #[tokio::test]
    async fn a_message_comes_whole_or_not_at_all() {
        let hello = Hello { proof: [7; 32] };
        let mut bytes = Vec::new();
        write(&mut bytes, &hello).await.unwrap();
        assert_eq!(told::<Hello>(&bytes).await.unwrap(), hello);
        assert!(matches!(told::<Hello>(&bytes[..bytes.len() - 1]).await, Err(Failed::Io(_))));
        assert!(matches!(told::<Hello>(&bytes[..3]).await, Err(Failed::Io(_))));
        assert!(matches!(told::<Offer>(&bytes).await, Err(Failed::Json(_))));
        assert!(matches!(told::<Hello>(b"\0\0\0\x02{}").await, Err(Failed::Json(_))));
        // A length is not believed.
        assert!(matches!(told::<Hello>(b"\xff\xff\xff\xff{}").await, Err(Failed::Long(..))));
        assert!(matches!(told::<Hello>(b"GET / HTTP/1.1\r\n").await, Err(Failed::Long(..))));
    }
}
