//! Second factors: a person sets one up, logs in with its codes, and removes it.

mod master_key;
mod pending;
mod totp;

use backstay_model::Action;
use qrcode::{Color, QrCode};
use rand::TryRngCore as _;
use rand::rngs::OsRng;

use super::backoff::{Counted, Wait};
use super::{AccountError, Accounts, Actor, LogInError, LoggedIn, Visitor, printable};
use crate::secret::random_password;
use crate::store::{StoreError, TokenHash};

pub use master_key::{MasterKey, MasterKeyError};
pub(super) use pending::Pending;

/// Recovery codes of a second factor.
const RECOVERY_CODES: usize = 8;
/// The longest code that is looked at, in characters.
const CODE_CHARS: usize = 100;

/// A person's second factor, as the person's own page shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnSecondFactor {
    /// This server has no master key.
    Unavailable,
    /// There is none.
    Off,
    /// The person has not entered a code yet.
    SettingUp(NewSeed),
    /// Each log-in takes a code; this many recovery codes are left.
    On(u64),
}

/// A seed to copy to a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSeed {
    /// The seed, to be typed.
    pub base32: String,
    /// The rows of a QR code that devices read; true is dark.
    pub qr: Vec<Vec<bool>>,
}

/// Why a second factor is not changed. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum SecondFactorError {
    /// The server has no master key.
    #[error("This server has no master key, so nobody can set up a second factor. Nothing was changed.")]
    Unavailable,
    /// It is on, or another seed has replaced this one.
    #[error("Your second factor was set up elsewhere in the meantime. Nothing was changed. Reload the page.")]
    Changed,
    /// The person has none.
    #[error("{0} has no second factor. Nothing was changed.")]
    None(String),
    /// The password or the code was not accepted.
    #[error("{0} Nothing was changed.")]
    Check(#[from] LogInError),
    /// See [`AccountError`].
    #[error(transparent)]
    Account(#[from] AccountError),
}

impl From<StoreError> for SecondFactorError {
    fn from(error: StoreError) -> Self {
        Self::Account(error.into())
    }
}

impl From<MasterKeyError> for SecondFactorError {
    fn from(error: MasterKeyError) -> Self {
        Self::Account(error.into())
    }
}

impl Accounts {
    /// Returns the person's own second factor.
    ///
    /// # Errors
    /// [`SecondFactorError`]
    pub async fn own_second_factor(&self, actor: &Actor) -> Result<OwnSecondFactor, SecondFactorError> {
        let Some(key) = &self.master_key else { return Ok(OwnSecondFactor::Unavailable) };
        Ok(match self.store.second_factor(actor.name()).await? {
            None => OwnSecondFactor::Off,
            Some(factor) if factor.is_confirmed => OwnSecondFactor::On(factor.recovery_codes),
            Some(factor) => {
                let seed = key.unseal(actor.name(), &factor.sealed_seed)?;
                OwnSecondFactor::SettingUp(new_seed(actor.name(), &seed))
            }
        })
    }

    /// Makes a seed for the person. It counts once the person has entered a code.
    ///
    /// # Errors
    /// [`SecondFactorError`]
    pub async fn begin_second_factor(&self, actor: &Actor) -> Result<(), SecondFactorError> {
        let key = self.master_key.as_ref().ok_or(SecondFactorError::Unavailable)?;
        if actor.is_external() {
            return Err(AccountError::External(actor.name().to_owned()).into());
        }
        let mut seed = [0; totp::SEED_BYTES];
        OsRng.try_fill_bytes(&mut seed).map_err(|_| MasterKeyError::Random)?;
        let sealed = key.seal(actor.name(), &seed)?;
        let put = self.store.put_second_factor(actor.name(), &sealed).await?;
        put.then_some(()).ok_or(SecondFactorError::Changed)
    }

    /// Turns the second factor on, with the password and the first code. Returns the recovery codes, which are never shown
    /// again.
    ///
    /// # Errors
    /// [`SecondFactorError`]
    pub async fn confirm_second_factor(
        &self,
        actor: &Actor,
        password: &str,
        code: &str,
    ) -> Result<Vec<String>, SecondFactorError> {
        let key = self.master_key.as_ref().ok_or(SecondFactorError::Unavailable)?;
        let name = actor.name();
        self.verify_own(actor, password).await?;
        let factor = self.store.second_factor(name).await?.filter(|factor| !factor.is_confirmed);
        let factor = factor.ok_or(SecondFactorError::Changed)?;
        let seed = key.unseal(name, &factor.sealed_seed)?;
        let step = totp::step(&seed, &plain(code), self.clock.now()).ok_or(LogInError::WrongCode)?;
        let codes: Vec<_> = std::iter::repeat_with(random_password).take(RECOVERY_CODES).collect();
        let hashes: Vec<_> = codes.iter().map(|code| TokenHash::of(&plain(code))).collect();
        let entry = self.entry(name, "second-factor.on", "Each log-in takes a code now.".to_owned());
        let confirmed =
            self.store.confirm_second_factor(name, &factor.sealed_seed, step, &hashes, &entry).await?;
        if !confirmed {
            return Err(SecondFactorError::Changed);
        }
        self.changed();
        Ok(codes)
    }

    /// Removes the person's own second factor, with a code or a recovery code.
    ///
    /// # Errors
    /// [`SecondFactorError`]
    pub async fn remove_own_second_factor(&self, actor: &Actor, code: &str) -> Result<(), SecondFactorError> {
        self.check_own_code(actor, code).await?;
        let detail = "Log-ins take the password alone.".to_owned();
        self.remove_factor_of(actor, actor.name(), "second-factor.off", detail).await
    }

    /// Removes another person's second factor, for an administrator: that person lost the device and the recovery codes.
    ///
    /// # Errors
    /// [`SecondFactorError`]
    pub async fn reset_second_factor(&self, actor: &Actor, name: &str) -> Result<(), SecondFactorError> {
        actor.require(Action::ManagePeople).map_err(AccountError::from)?;
        let detail = format!("{name} logs in with the password alone.");
        self.remove_factor_of(actor, name, "user.second-factor-removed", detail).await
    }

    async fn remove_factor_of(
        &self,
        actor: &Actor,
        name: &str,
        action: &str,
        detail: String,
    ) -> Result<(), SecondFactorError> {
        let entry = self.entry(actor.name(), action, detail);
        if !self.store.remove_second_factor(name, &entry).await? {
            return Err(SecondFactorError::None(printable(name)));
        }
        self.changed();
        Ok(())
    }

    /// Seals every seed with the newest master key, so that older ones can go. Returns the number of seeds.
    ///
    /// # Errors
    /// [`SecondFactorError`]; the seeds before the failing one are sealed with the new key, and all stay readable.
    pub async fn reseal_seeds(&self) -> Result<usize, SecondFactorError> {
        let key = self.master_key.as_ref().ok_or(SecondFactorError::Unavailable)?;
        let all = self.store.sealed_seeds().await?;
        for (name, sealed) in &all {
            let new = key.seal(name, &key.unseal(name, sealed)?)?;
            self.store.reseal(name, sealed, &new).await?;
        }
        Ok(all.len())
    }

    /// Returns whether the person's log-ins take a code.
    pub(super) async fn takes_code(&self, name: &str) -> Result<bool, StoreError> {
        Ok(self.store.second_factor(name).await?.is_some_and(|factor| factor.is_confirmed))
    }

    /// Finishes a log-in whose password was right: see [`LogInError::CodeNeeded`].
    ///
    /// # Errors
    /// [`LogInError`]
    pub async fn log_in_with_code(
        &self,
        pending: &str,
        code: &str,
        visitor: &Visitor,
    ) -> Result<LoggedIn, LogInError> {
        let (token, now) = (TokenHash::of(pending), self.clock.now());
        let (user, known) = self.gate.pending.get(&token, now).ok_or(LogInError::TooLate)?;
        let counted = Counted::Code(user.name.clone(), known.as_ref().map(crate::secret::Secret::hash));
        if let Err(error) = self.check_code(counted, &user.name, code).await {
            if matches!(error, LogInError::WrongCode | LogInError::TooManyCodes(_)) {
                self.gate.refused.count(visitor.origin.network(), &user.name, now);
            }
            return Err(error);
        }
        self.gate.pending.remove(&token);
        self.finish_log_in(&user, known, visitor).await
    }

    /// Checks a code of somebody who is logged in.
    pub(super) async fn check_own_code(&self, actor: &Actor, code: &str) -> Result<(), LogInError> {
        self.check_code(Counted::Own(actor.name().to_owned()), actor.name(), code).await
    }

    /// Checks a code of a person, or a recovery code, and uses it up.
    async fn check_code(&self, counted: Counted, name: &str, code: &str) -> Result<(), LogInError> {
        let counted = [counted];
        let attempt = self.gate.backoff().attempt(&counted, self.clock.now());
        attempt.map_err(|(Wait::Name(wait) | Wait::Network(wait))| LogInError::TooManyCodes(wait))?;
        if !self.use_code(name, &plain(code)).await? {
            return Err(LogInError::WrongCode);
        }
        self.gate.backoff().succeeded(&counted);
        Ok(())
    }

    async fn use_code(&self, name: &str, code: &str) -> Result<bool, AccountError> {
        let factor = self.store.second_factor(name).await?.filter(|factor| factor.is_confirmed);
        let Some(factor) = factor.filter(|_| !code.is_empty()) else { return Ok(false) };
        if code.bytes().all(|b| b.is_ascii_digit()) {
            let key = self.master_key.as_ref().ok_or(MasterKeyError::Opening)?;
            let seed = key.unseal(name, &factor.sealed_seed)?;
            return match totp::step(&seed, code, self.clock.now()) {
                Some(step) => Ok(self.store.use_step(name, step).await?),
                None => Ok(false),
            };
        }
        let left = factor.recovery_codes.saturating_sub(1);
        let entry =
            self.entry(name, "second-factor.recovery", format!("Used a recovery code; {left} are left."));
        Ok(self.store.use_recovery_code(name, &TokenHash::of(code), &entry).await?)
    }
}

/// A code as it is compared: people type spaces, hyphens and capitals.
fn plain(code: &str) -> String {
    code.chars()
        .take(CODE_CHARS)
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

/// What a device needs. The address is Google's format of key URIs, which every device reads.
/// <https://github.com/google/google-authenticator/wiki/Key-Uri-Format>
fn new_seed(name: &str, seed: &[u8]) -> NewSeed {
    let base32 = totp::base32(seed);
    let name = name.replace('%', "%25").replace(' ', "%20").replace('+', "%2B");
    let address = format!("otpauth://totp/Backstay:{name}?secret={base32}&issuer=Backstay");
    let qr = QrCode::new(address).map(|code| {
        let colors = code.to_colors();
        colors.chunks(code.width()).map(|row| row.iter().map(|c| *c == Color::Dark).collect()).collect()
    });
    NewSeed { base32, qr: qr.unwrap_or_default() }
}
