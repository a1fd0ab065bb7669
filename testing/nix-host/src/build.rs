//! Builds of NixOS and home-manager as they are in the store, with every file that a dashboard reads.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::scripts::{self, Activation};
use crate::store::Store;

/// The content of a build.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Build {
    /// The version, as in `25.11.20260307.0116424`.
    pub label: String,
    /// The commit of the configuration that it was built from, if it records one.
    pub commit: Option<String>,
    /// The version of the kernel (NixOS only).
    pub kernel: String,
    /// Packages and their versions, as `nix store diff-closures` shows them.
    pub packages: BTreeMap<String, String>,
    /// systemd units and the content of their files.
    pub units: BTreeMap<String, String>,
    /// Switch inhibitors (NixOS only).
    pub inhibitors: BTreeMap<String, String>,
    /// The host's tests that fail while it runs, as `name` or `name: why`.
    pub failing_tests: Vec<String>,
    /// The course of its activation.
    pub activation: Activation,
    /// The names of its specialisations, which are like it.
    pub specialisations: Vec<String>,
}

impl Build {
    /// Adds a NixOS system to the store.
    pub(super) fn nixos(&self, store: &Store, host: &Path, name: &str) -> Result<PathBuf> {
        let kernel = self.add_kernel(store)?;
        let mut references = self.add_packages(store)?;
        let version = scripts::nixos_version(&self.label, self.commit.as_deref());
        let path = store.add("system-path", |folder| {
            link_packages(folder, &references)?;
            write_script(&folder.join("bin/nixos-version"), &version)
        })?;
        store.set_references(&path, &references)?;
        let etc = self.add_etc(store)?;
        let special = self.specialised(|build| build.nixos(store, host, name))?;
        let build = store.add(&format!("nixos-system-{name}-{}", self.label), |folder| {
            fs::write(folder.join("nixos-version"), &self.label)?;
            fs::write(folder.join("system"), "x86_64-linux")?;
            fs::write(folder.join("switch-inhibitors"), serde_json::to_string(&self.inhibitors)?)?;
            fs::write(folder.join("failing-tests"), lines(&self.failing_tests))?;
            fs::write(folder.join("failed-units"), lines(&self.activation.failed_units))?;
            write_script(&folder.join("init"), "#!/bin/sh\n")?;
            symlink(&path, folder.join("sw"))?;
            if let Some(etc) = &etc {
                symlink(etc.join("etc"), folder.join("etc"))?;
            }
            symlink(kernel.image.join("bzImage"), folder.join("kernel"))?;
            symlink(kernel.initrd.join("initrd"), folder.join("initrd"))?;
            symlink(&kernel.modules, folder.join("kernel-modules"))?;
            link_specialisations(folder, &special)?;
            let switch = scripts::switch_to_configuration(host, &self.activation);
            write_script(&folder.join("bin/switch-to-configuration"), &switch)
        })?;
        references.extend(etc);
        references.extend([path, kernel.image, kernel.initrd, kernel.modules]);
        references.extend(special.into_values());
        store.set_references(&build, &references)?;
        Ok(build)
    }

    /// Adds a home-manager generation to the store.
    pub(super) fn home(&self, store: &Store, host: &Path, profile: &Path) -> Result<PathBuf> {
        let mut references = self.add_packages(store)?;
        let path = store.add("home-manager-path", |folder| link_packages(folder, &references))?;
        store.set_references(&path, &references)?;
        let files = store.add("home-manager-files", |folder| {
            fs::write(folder.join(".profile"), format!("# home-manager {}\n", self.label))?;
            self.write_units(&folder.join(".config/systemd/user"))
        })?;
        let special = self.specialised(|build| build.home(store, host, profile))?;
        let build = store.add("home-manager-generation", |folder| {
            fs::write(folder.join("hm-version"), format!("{}\n", self.label))?;
            fs::write(folder.join("gen-version"), "1\n")?;
            // home-manager itself records no revision; a configuration may.
            if let Some(commit) = &self.commit {
                fs::write(folder.join("configuration-revision"), format!("{commit}\n"))?;
            }
            fs::write(folder.join("failing-tests"), lines(&self.failing_tests))?;
            symlink(&path, folder.join("home-path"))?;
            symlink(&files, folder.join("home-files"))?;
            link_specialisations(folder, &special)?;
            write_script(&folder.join("activate"), &scripts::home_activate(host, profile, &self.activation))
        })?;
        references.extend([path, files]);
        references.extend(special.into_values());
        store.set_references(&build, &references)?;
        Ok(build)
    }

    /// Adds each specialisation to the store, under a label of its own.
    fn specialised(&self, add: impl Fn(&Self) -> Result<PathBuf>) -> Result<BTreeMap<String, PathBuf>> {
        let special = |name: &String| {
            let label = format!("{}-{name}", self.label);
            let path = add(&Self { label, specialisations: vec![], ..self.clone() })?;
            Ok((name.clone(), path))
        };
        self.specialisations.iter().map(special).collect()
    }

    fn add_etc(&self, store: &Store) -> Result<Option<PathBuf>> {
        if self.units.is_empty() {
            return Ok(None);
        }
        store.add("etc", |folder| self.write_units(&folder.join("etc/systemd/system"))).map(Some)
    }

    fn write_units(&self, folder: &Path) -> Result<()> {
        if self.units.is_empty() {
            return Ok(());
        }
        fs::create_dir_all(folder)?;
        for (name, text) in &self.units {
            fs::write(folder.join(name), text)?;
        }
        Ok(())
    }

    fn add_kernel(&self, store: &Store) -> Result<Kernel> {
        let version = &self.kernel;
        Ok(Kernel {
            image: store.add_once(&format!("linux-{version}"), |folder| {
                fs::write(folder.join("bzImage"), format!("Linux {version}\n")).map_err(Into::into)
            })?,
            initrd: store.add_once(&format!("initrd-linux-{version}"), |folder| {
                fs::write(folder.join("initrd"), format!("initrd of Linux {version}\n")).map_err(Into::into)
            })?,
            modules: store.add_once(&format!("linux-{version}-modules"), |folder| {
                fs::create_dir_all(folder.join("lib/modules").join(version)).map_err(Into::into)
            })?,
        })
    }

    fn add_packages(&self, store: &Store) -> Result<Vec<PathBuf>> {
        let packages = self.packages.iter();
        packages
            .map(|(name, version)| {
                store.add_once(&format!("{name}-{version}"), |folder| {
                    let program = format!("#!/bin/sh\necho '{name} {version}'\n");
                    write_script(&folder.join("bin").join(name), &program)
                })
            })
            .collect()
    }
}

struct Kernel {
    image: PathBuf,
    initrd: PathBuf,
    modules: PathBuf,
}

fn link_packages(folder: &Path, packages: &[PathBuf]) -> Result<()> {
    fs::create_dir(folder.join("bin"))?;
    for package in packages {
        for program in fs::read_dir(package.join("bin"))? {
            let program = program?;
            symlink(program.path(), folder.join("bin").join(program.file_name()))?;
        }
    }
    Ok(())
}

/// Links the specialisations as NixOS and home-manager do (`nixos/modules/system/activation/specialisation.nix`
/// of nixpkgs 2026-10, `modules/misc/specialisation.nix` of home-manager 26.05).
fn link_specialisations(folder: &Path, special: &BTreeMap<String, PathBuf>) -> Result<()> {
    if special.is_empty() {
        return Ok(());
    }
    fs::create_dir(folder.join("specialisation"))?;
    for (name, build) in special {
        symlink(build, folder.join("specialisation").join(name))?;
    }
    Ok(())
}

/// Writes an executable file, and creates its folder.
pub fn write_script(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

fn lines(words: &[String]) -> String {
    words.iter().flat_map(|word| [word, "\n"]).collect()
}
