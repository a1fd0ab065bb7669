//! Tokens that do not hold, from everybody who might present one.

use std::sync::Arc;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use backstay_model::{Clock as _, FixedClock, sample};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use openidconnect::Nonce;
use openidconnect::core::CoreProviderMetadata;
use serde_json::{Value, json};

use super::*;

const ISSUER: &str = "https://id.example.org/realms/home";
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A provider's key, and how it signs.
struct Key {
    pair: EcdsaKeyPair,
    id: &'static str,
}

impl Key {
    fn new(id: &'static str) -> Self {
        let document =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref()).unwrap();
        Self { pair, id }
    }

    fn public(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        json!({ "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.id,
                "x": encoded(&point[1..33]), "y": encoded(&point[33..]) })
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let text =
            format!("{}.{}", encoded(header.to_string().as_bytes()), encoded(claims.to_string().as_bytes()));
        let signature = self.pair.sign(&SystemRandom::new(), text.as_bytes()).unwrap();
        format!("{text}.{}", encoded(signature.as_ref()))
    }

    fn header(&self) -> Value {
        json!({ "alg": "ES256", "kid": self.id })
    }
}

struct Bench {
    sso: Sso,
    clock: Arc<FixedClock>,
    key: Key,
    metadata: CoreProviderMetadata,
}

impl Bench {
    fn new() -> Self {
        let (clock, key) = (Arc::new(FixedClock::at(sample::now())), Key::new("one"));
        let config = SsoConfig {
            issuer: ISSUER.to_owned(),
            client_id: "backstay".to_owned(),
            client_secret: Secret::from_text("the shared secret of the client"),
            name: "Company SSO".to_owned(),
            groups_claim: "groups".to_owned(),
            roles: vec!["ops=operator".parse().unwrap()],
            scopes: vec![],
            public_url: "https://backstay.example.org".to_owned(),
        };
        let sso = Sso::new(config, Arc::<FixedClock>::clone(&clock)).unwrap();
        let metadata = json!({
            "issuer": ISSUER,
            "authorization_endpoint": format!("{ISSUER}/auth"),
            "token_endpoint": format!("{ISSUER}/token"),
            "jwks_uri": format!("{ISSUER}/jwks"),
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
        });
        let metadata: CoreProviderMetadata = serde_json::from_value(metadata).unwrap();
        let keys = serde_json::from_value(json!({ "keys": [key.public()] })).unwrap();
        Self { sso, clock, key, metadata: metadata.set_jwks(keys) }
    }

    /// The claims of a token for this server, with some changed.
    fn claims(&self, changes: &Value) -> Value {
        let now = self.clock.now().timestamp();
        let mut claims =
            json!({ "iss": ISSUER, "aud": "backstay", "sub": "1", "iat": now, "exp": now + 120 });
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        claims
    }

    /// Who a token of a log-in with the nonce “n” says that it is.
    fn log_in(&self, token: &str) -> Result<String, String> {
        let token: Token = token.parse().map_err(|error| format!("{error:?}"))?;
        let claims = self.sso.claims(&token, &Nonce::new("n".to_owned()), &self.metadata);
        claims.map(|claims| claims.subject().to_string()).map_err(|error| error.to_string())
    }

    /// Whose sessions a token of a log-out ends.
    fn log_out(&self, token: &str) -> Result<(String, Option<String>), String> {
        let token: Token = token.parse().map_err(|error| format!("{error:?}"))?;
        let (said, _) = self.sso.said(&token, &self.metadata).map_err(|error| chain(&error))?;
        Ok((said.identity.subject, said.provider_session))
    }

    fn signed(&self, changes: &Value) -> String {
        self.key.sign(&self.key.header(), &self.claims(changes))
    }
}

#[test]
fn a_token_of_a_log_in_is_taken_from_this_provider_for_this_server_and_this_log_in_alone() {
    let bench = Bench::new();
    let now = bench.clock.now().timestamp();
    assert_eq!(bench.log_in(&bench.signed(&json!({ "nonce": "n" }))).unwrap(), "1");
    for (name, changes) in [
        ("no nonce", json!({})),
        ("the nonce of another log-in", json!({ "nonce": "m" })),
        ("another provider", json!({ "nonce": "n", "iss": "https://id.example.com" })),
        ("another server", json!({ "nonce": "n", "aud": "grafana" })),
        ("another server as well", json!({ "nonce": "n", "aud": ["backstay", "grafana"] })),
        ("for nobody", json!({ "nonce": "n", "aud": null })),
        ("it has expired", json!({ "nonce": "n", "exp": now })),
        ("nobody", json!({ "nonce": "n", "sub": null })),
    ] {
        assert!(bench.log_in(&bench.signed(&changes)).is_err(), "{name}");
    }
}

#[test]
fn a_token_that_the_provider_has_not_signed_is_not_taken() {
    let bench = Bench::new();
    let claims = bench.claims(&json!({ "nonce": "n" }));
    let good = bench.signed(&json!({ "nonce": "n" }));
    let parts: Vec<_> = good.split('.').collect();
    let none = encoded(br#"{"alg":"none"}"#);
    let other = encoded(bench.claims(&json!({ "nonce": "n", "sub": "2" })).to_string().as_bytes());
    let stranger = Key::new("one");
    // Signed with the client's secret, which is no key pair.
    let shared = jsonwebtoken::encode(
        &jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256),
        &claims,
        &jsonwebtoken::EncodingKey::from_secret(b"the shared secret of the client"),
    );
    for (name, token) in [
        ("no signature", format!("{none}.{}.", parts[1])),
        ("no signature, with the old one", format!("{none}.{}.{}", parts[1], parts[2])),
        ("other claims", format!("{}.{other}.{}", parts[0], parts[2])),
        ("another key with the same name", stranger.sign(&stranger.header(), &claims)),
        ("an unknown key", bench.key.sign(&json!({ "alg": "ES256", "kid": "two" }), &claims)),
        ("a shared secret", shared.unwrap()),
        ("a part that must be understood", {
            bench.key.sign(&json!({ "alg": "ES256", "kid": "one", "crit": ["x"], "x": 1 }), &claims)
        }),
        ("nothing", String::new()),
    ] {
        assert!(bench.log_in(&token).is_err(), "{name}");
    }
}

#[test]
fn a_token_of_a_log_out_is_taken_if_it_is_one_and_recent() {
    let bench = Bench::new();
    let now = bench.clock.now().timestamp();
    let event = json!({ EVENT: {} });
    let header = json!({ "alg": "ES256", "kid": "one", "typ": "logout+jwt" });
    let good = json!({ "events": event, "jti": "j", "sid": "s" });
    let signed = bench.key.sign(&header, &bench.claims(&good));
    assert_eq!(bench.log_out(&signed).unwrap(), ("1".to_owned(), Some("s".to_owned())));
    for (name, changes) in [
        ("a token of a log-in", json!({ "nonce": "n" })),
        ("a nonce", json!({ "events": event, "jti": "j", "nonce": "n" })),
        ("no event", json!({ "jti": "j" })),
        ("another event", json!({ "jti": "j", "events": { "x": {} } })),
        ("no identifier", json!({ "events": event })),
        ("it is old", json!({ "events": event, "jti": "j", "iat": now - 301 })),
        ("it is ahead", json!({ "events": event, "jti": "j", "iat": now + 301 })),
        ("it has expired", json!({ "events": event, "jti": "j", "exp": now })),
        ("another server", json!({ "events": event, "jti": "j", "aud": "grafana" })),
        ("another provider", json!({ "events": event, "jti": "j", "iss": "https://id.example.com" })),
    ] {
        assert!(bench.log_out(&bench.key.sign(&header, &bench.claims(&changes))).is_err(), "{name}");
    }
    let access = json!({ "alg": "ES256", "kid": "one", "typ": "at+jwt" });
    assert!(
        bench.log_out(&bench.key.sign(&access, &bench.claims(&good))).is_err(),
        "a token of another type"
    );
}

#[test]
fn a_token_of_a_log_out_works_once() {
    let used = log_out::UsedTokens::default();
    let now = sample::now();
    assert!(used.add("one", now) && used.add("two", now));
    assert!(!used.add("one", now + TimeDelta::minutes(9)), "it could be recent still");
    for number in 0..20_000 {
        used.add(&number.to_string(), now);
    }
    assert!(used.len() <= 10_000);
}

#[tokio::test]
async fn an_answer_without_a_log_in_of_this_browser_asks_the_provider_nothing() {
    let bench = Bench::new();
    for cookie in ["", "a", "YWJj"] {
        let answer = Answer { cookie, state: "s", code: "c", issuer: None };
        assert!(matches!(bench.sso.finish(answer).await, Err(SsoError::Expired)), "{cookie}");
    }
    let long = "s".repeat(10_000);
    let answer = Answer { cookie: "a", state: &long, code: "c", issuer: None };
    assert!(matches!(bench.sso.finish(answer).await, Err(SsoError::Expired)));
}

#[test]
fn the_clients_secret_is_in_no_log() {
    let bench = Bench::new();
    let secrets = format!("{:?}", bench.sso);
    assert!(!secrets.contains("shared secret"), "{secrets}");
}
