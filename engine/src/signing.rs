//! The tokens this engine signs (ES256), and the checks a token passes before its claims are
//! believed.

use std::{
    collections::HashSet,
    fmt,
    sync::{Mutex, PoisonError},
};

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use ring::{
    digest,
    rand::{SecureRandom, SystemRandom},
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair,
        UnparsedPublicKey,
    },
};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use serde::{Deserialize, Serialize};
#[cfg(test)]
use serde_json::json;

use crate::{
    local::clock::Clock,
    store::{Store, StoreError},
};

const ALGORITHM: &str = "ES256";

/// How many tokens are remembered before all are forgotten.
const REMEMBERED: usize = 4096;

/// The name under which the store keeps the key.
const KEY: &str = "signing_key";

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TokenType {
    /// Opens the REST API.
    Access,
    /// Opens one MCP server for one user.
    McpSession,
}

/// How much of its MCP server a session token opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum AccessLevel {
    Full,
    ReadOnly,
}

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Claims {
    pub(crate) iss: String,
    /// The client of an access token, the user (`identifier`) of a session token.
    pub(crate) sub: String,
    /// For a session token the exact URL of its MCP server.
    pub(crate) aud: String,
    pub(crate) iat: i64,
    pub(crate) exp: i64,
    pub(crate) jti: String,
    pub(crate) token_type: TokenType,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) mcp_cfg: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) conn_id: Option<String>,
    /// The accounts the token was minted over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ca_ids: Option<Vec<String>>,
    /// Absent means everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) access_level: Option<AccessLevel>,
}

/// Why a token is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TokenError {
    #[error("the token is not one this server makes")]
    Malformed,
    #[error("the token's signature is wrong")]
    BadSignature,
    #[error("the token has expired")]
    Expired,
}

/// Why the signer does not work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SigningError {
    #[error("the system's random numbers or cryptography failed")]
    Cryptography,
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[derive(Serialize, Deserialize)]
struct Header {
    alg: String,
    kid: String,
    #[serde(default)]
    typ: String,
}

/// Signs and verifies with the one key of this engine.
pub(crate) struct Signer {
    pair: EcdsaKeyPair,
    kid: String,
    random: SystemRandom,
    clock: Clock,
    /// The SHA-256 of tokens whose signature was found good: a token comes with every request of its
    /// run, and checking a signature costs more than all else that a request needs.
    verified: Mutex<HashSet<[u8; 32]>>,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("kid", &self.kid)
            .finish_non_exhaustive()
    }
}

impl Signer {
    /// The signer with the store's key, made and kept at first use. Blocks: for the start of an
    /// engine only.
    pub(crate) fn load(store: &Store, clock: Clock) -> Result<Signer, SigningError> {
        let random = SystemRandom::new();
        let key = if let Some(key) = store.secret(KEY)? {
            key
        } else {
            let key = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
                .map_err(|_| SigningError::Cryptography)?;
            let key = SecretSlice::from(key.as_ref().to_vec());
            store.keep_secret(KEY, key.clone())?;
            key
        };
        let pair = EcdsaKeyPair::from_pkcs8(
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            key.expose_secret(),
            &random,
        )
        .map_err(|_| SigningError::Cryptography)?;
        let kid = encode(digest::digest(&digest::SHA256, pair.public_key().as_ref()));
        Ok(Signer {
            pair,
            kid,
            random,
            clock,
            verified: Mutex::default(),
        })
    }

    /// The public key as a JSON Web Key.
    pub(crate) fn jwk(&self) -> serde_json::Map<String, serde_json::Value> {
        // An uncompressed point: one byte of form, then both coordinates.
        let point = self.pair.public_key().as_ref().get(1..).unwrap_or_default();
        let (x, y) = point.split_at(point.len() / 2);
        let (x, y) = (encode(x), encode(y));
        let members = [
            ("kty", "EC"),
            ("crv", "P-256"),
            ("use", "sig"),
            ("alg", ALGORITHM),
            ("kid", &self.kid),
            ("x", &x),
            ("y", &y),
        ];
        let members = members.into_iter();
        members
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect()
    }

    /// The claims as a signed token.
    pub(crate) fn sign(&self, claims: &Claims) -> Result<SecretString, SigningError> {
        let header = Header {
            alg: ALGORITHM.into(),
            kid: self.kid.clone(),
            typ: "JWT".into(),
        };
        let part = |json: serde_json::Result<Vec<u8>>| {
            json.map(encode).map_err(|_| SigningError::Cryptography)
        };
        let mut token = part(serde_json::to_vec(&header))?;
        token.push('.');
        token.push_str(&part(serde_json::to_vec(claims))?);
        let signature = self
            .pair
            .sign(&self.random, token.as_bytes())
            .map_err(|_| SigningError::Cryptography)?;
        token.push('.');
        token.push_str(&encode(signature));
        Ok(token.into())
    }

    /// The claims of a token this key signed and whose time is not over. What they allow is for
    /// the caller to judge: issuer, audience and type are not looked at.
    pub(crate) fn verify(&self, token: &str) -> Result<Claims, TokenError> {
        let (signed, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(TokenError::Malformed)?;
        let header: Header = decode(header)?;
        if header.alg != ALGORITHM || header.kid != self.kid {
            return Err(TokenError::Malformed);
        }
        self.check_signature(token, signed, signature)?;
        let claims: Claims = decode(claims)?;
        if claims.exp <= self.clock.now().as_second() {
            return Err(TokenError::Expired);
        }
        Ok(claims)
    }

    fn check_signature(
        &self,
        token: &str,
        signed: &str,
        signature: &str,
    ) -> Result<(), TokenError> {
        let verified = || self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        let mut digest = [0; 32];
        digest.copy_from_slice(digest::digest(&digest::SHA256, token.as_bytes()).as_ref());
        if verified().contains(&digest) {
            return Ok(());
        }
        let signature = BASE64_URL_SAFE_NO_PAD
            .decode(signature)
            .map_err(|_| TokenError::Malformed)?;
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, self.pair.public_key())
            .verify(signed.as_bytes(), &signature)
            .map_err(|_| TokenError::BadSignature)?;
        let mut verified = verified();
        if verified.len() >= REMEMBERED {
            verified.clear();
        }
        verified.insert(digest);
        Ok(())
    }
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn decode<T: serde::de::DeserializeOwned>(part: &str) -> Result<T, TokenError> {
    let json = BASE64_URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| TokenError::Malformed)?;
    serde_json::from_slice(&json).map_err(|_| TokenError::Malformed)
}

/// 256 random bits as text that fits a URL.
pub(crate) fn random_secret() -> Result<SecretString, SigningError> {
    let mut bytes = [0; 32];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| SigningError::Cryptography)?;
    Ok(encode(bytes).into())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn signer() -> (tempfile::TempDir, Store, Signer) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("vmcp.db")).unwrap();
        let clock = Clock::default();
        clock.freeze();
        let signer = Signer::load(&store, clock).unwrap();
        (folder, store, signer)
    }

    fn claims(signer: &Signer) -> Claims {
        let now = signer.clock.now().as_second();
        Claims {
            iss: "http://127.0.0.1".into(),
            sub: "user_123".into(),
            aud: "http://127.0.0.1/mcp/v3/servers/x".into(),
            iat: now,
            exp: now + 60,
            jti: "1".into(),
            token_type: TokenType::McpSession,
            mcp_cfg: Some("cfg_1".into()),
            conn_id: None,
            ca_ids: Some(vec!["ca_1".into()]),
            access_level: Some(AccessLevel::ReadOnly),
        }
    }

    fn part(token: &str, index: usize) -> serde_json::Value {
        decode(token.split('.').nth(index).unwrap()).unwrap()
    }

    #[test]
    fn a_token_carries_its_claims_and_omits_what_is_absent() {
        let (_folder, _store, signer) = signer();
        let claims = claims(&signer);
        let token = signer.sign(&claims).unwrap();
        let token = token.expose_secret();
        assert_eq!(signer.verify(token).unwrap(), claims);
        let kid = signer.jwk()["kid"].clone();
        assert_eq!(
            part(token, 0),
            json!({"alg": "ES256", "kid": kid, "typ": "JWT"})
        );
        assert_eq!(
            part(token, 1),
            json!({
                "iss": claims.iss, "sub": "user_123", "aud": claims.aud, "iat": claims.iat,
                "exp": claims.exp, "jti": "1", "token_type": "mcp_session", "mcp_cfg": "cfg_1",
                "ca_ids": ["ca_1"], "access_level": "READ_ONLY",
            })
        );
    }

    #[test]
    fn the_published_key_verifies_what_was_signed() {
        let (_folder, _store, signer) = signer();
        let token = signer.sign(&claims(&signer)).unwrap();
        let (signed, signature) = token.expose_secret().rsplit_once('.').unwrap();
        let jwk = signer.jwk();
        let bytes = |name: &str| {
            let text = jwk[name].as_str().unwrap();
            BASE64_URL_SAFE_NO_PAD.decode(text).unwrap()
        };
        let point = [vec![4], bytes("x"), bytes("y")].concat();
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
            .verify(
                signed.as_bytes(),
                &BASE64_URL_SAFE_NO_PAD.decode(signature).unwrap(),
            )
            .unwrap();
    }

    #[test]
    fn what_is_wrong_with_a_token_is_told_apart() {
        let (_folder, _store, signer) = signer();
        let (_other_folder, _other_store, other) = self::signer();
        let token = signer.sign(&claims(&signer)).unwrap();
        let token = token.expose_secret();
        let (header, rest) = token.split_once('.').unwrap();
        let (body, signature) = rest.split_once('.').unwrap();

        let forged = encode(json!({"sub": "someone-else"}).to_string());
        assert_eq!(
            signer.verify(&format!("{header}.{forged}.{signature}")),
            Err(TokenError::BadSignature)
        );
        for (alg, kid) in [
            ("none", &*signer.kid),
            ("HS256", &*signer.kid),
            ("ES256", "another"),
        ] {
            let header = encode(json!({"alg": alg, "kid": kid}).to_string());
            assert_eq!(
                signer.verify(&format!("{header}.{body}.{signature}")),
                Err(TokenError::Malformed),
                "{alg} {kid}"
            );
        }
        assert_eq!(other.verify(token), Err(TokenError::Malformed));
        for garbage in ["", ".", "..", "a.b", "a.b.c", "é.é.é"] {
            assert_eq!(signer.verify(garbage), Err(TokenError::Malformed));
        }
        signer.clock.advance(Duration::from_secs(59));
        assert!(signer.verify(token).is_ok());
        signer.clock.advance(Duration::from_secs(1));
        assert_eq!(signer.verify(token), Err(TokenError::Expired));
        // An expired token with a wrong signature is above all wrongly signed.
        assert_eq!(
            signer.verify(&format!("{header}.{forged}.{signature}")),
            Err(TokenError::BadSignature)
        );
    }

    #[test]
    fn what_is_remembered_is_a_whole_token_and_never_too_many() {
        let (_folder, _store, signer) = signer();
        let token = signer.sign(&claims(&signer)).unwrap();
        let token = token.expose_secret();
        let remembered = || signer.verified.lock().unwrap().len();
        for _ in 0..2 {
            signer.verify(token).unwrap();
            assert_eq!(remembered(), 1);
        }
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let other = signer.sign(&claims(&signer)).unwrap();
        let (_, another) = other.expose_secret().rsplit_once('.').unwrap();
        assert_ne!(signature, another);
        let mut moved = claims(&signer);
        moved.sub = "someone-else".into();
        let moved = signer.sign(&moved).unwrap();
        let (moved, _) = moved.expose_secret().rsplit_once('.').unwrap();
        for forged in [format!("{moved}.{signature}"), format!("{signed}.")] {
            assert_eq!(signer.verify(&forged), Err(TokenError::BadSignature));
        }
        assert_eq!(remembered(), 1);
        let full = (0..u32::try_from(REMEMBERED).unwrap()).map(|number| {
            let mut digest = [0; 32];
            digest[..4].copy_from_slice(&number.to_le_bytes());
            digest
        });
        *signer.verified.lock().unwrap() = full.collect();
        signer.verify(token).unwrap();
        assert_eq!(remembered(), 1);
    }

    #[test]
    fn the_key_is_kept_and_shows_nowhere() {
        let (folder, store, signer) = signer();
        let token = signer.sign(&claims(&signer)).unwrap();
        let again = Signer::load(&store, Clock::default()).unwrap();
        assert_eq!(again.kid, signer.kid);
        assert!(again.verify(token.expose_secret()).is_ok());
        let debug = format!("{signer:?} {token:?}");
        assert!(!debug.contains(token.expose_secret()), "{debug}");

        let key = store.secret(KEY).unwrap().unwrap();
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            assert!(
                !bytes
                    .windows(32)
                    .any(|window| key.expose_secret().windows(32).any(|k| k == window))
            );
        }
    }

    #[test]
    fn random_secrets_are_long_and_differ() {
        let secret = random_secret().unwrap();
        assert_eq!(secret.expose_secret().len(), 43);
        assert_ne!(
            secret.expose_secret(),
            random_secret().unwrap().expose_secret()
        );
    }
}
