//! A workshop's network in namespaces of its own, with real dnsmasq: a bench network, or one that has a
//! DHCP server already. No way leads out of it.
//!
//! The workshop's namespace has a bridge with this machine's address and the tap of one QEMU; the other
//! DHCP server, where there is one, is in a second namespace at the end of a pair of virtual wires.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, ensure};

use crate::bench::Bench;
use crate::process;
use crate::service::Service;

/// This machine's address in it.
pub const ADDRESS: &str = "10.77.0.1";
/// The tap that a machine is plugged into.
pub const TAP: &str = "tap0";

const BRIDGE: &str = "bridge0";
const RANGE: &str = "10.77.0.100,10.77.0.150";
const OTHER_ADDRESS: &str = "10.77.0.254";

/// Who gives the PCs their addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addresses {
    /// raz's own dnsmasq.
    Bench,
    /// Somebody else's DHCP server, beside which raz's dnsmasq is a proxy.
    Other,
}

/// The network. Dropping it ends its servers and takes it away.
#[derive(Debug)]
pub struct Lan {
    namespace: String,
    other: String,
    addresses: Addresses,
    servers: Vec<Child>,
}

impl Lan {
    /// Makes it; needs root.
    ///
    /// # Errors
    /// What `ip` says.
    pub fn new(addresses: Addresses) -> anyhow::Result<Self> {
        take_away_left_over();
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let namespace = format!("raz-{}-{number}", std::process::id());
        let lan = Self {
            other: format!("{namespace}-other"),
            namespace,
            addresses,
            servers: Vec::new(),
        };
        let (here, other) = (lan.namespace.as_str(), lan.other.as_str());
        for namespace in [here, other] {
            ip(&["netns", "add", namespace])?;
        }
        let address = format!("{ADDRESS}/24");
        let other_address = format!("{OTHER_ADDRESS}/24");
        for words in [
            &["-n", here, "link", "set", "lo", "up"][..],
            &["-n", here, "link", "add", BRIDGE, "type", "bridge"],
            &["-n", here, "addr", "add", &address, "dev", BRIDGE],
            &["-n", here, "tuntap", "add", TAP, "mode", "tap"],
            &["-n", here, "link", "set", TAP, "master", BRIDGE, "up"],
            &[
                "link", "add", "wire0", "netns", here, "type", "veth", "peer", "name", "wire1",
                "netns", other,
            ],
            &["-n", here, "link", "set", "wire0", "master", BRIDGE, "up"],
            &["-n", other, "addr", "add", &other_address, "dev", "wire1"],
            &["-n", other, "link", "set", "wire1", "up"],
            &["-n", here, "link", "set", BRIDGE, "up"],
        ] {
            ip(words)?;
        }
        Ok(lan)
    }

    /// Its namespace, by name.
    #[must_use]
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Starts dnsmasq as the service's own command configures it for the folder of netboot, and the other
    /// DHCP server where there is to be one.
    ///
    /// # Errors
    /// When the command refuses, or a server does not start.
    pub fn start_dhcp(
        &mut self,
        bench: &Bench,
        service: &Service,
        netboot: &Path,
    ) -> anyhow::Result<()> {
        let folder = netboot.to_str().context("the folder's name")?;
        let mut words = vec!["dnsmasq", "--netboot", folder, "--interface", BRIDGE];
        words.extend(["--address", ADDRESS]);
        match self.addresses {
            Addresses::Bench => words.extend(["--range", RANGE]),
            Addresses::Other => words.push("--proxy"),
        }
        let configuration = bench.path().join("dnsmasq.conf");
        fs::write(&configuration, service.print(&words)?)?;
        let configured = format!("--conf-file={}", configuration.display());
        // The bench's folder is root's alone.
        let own = self.server(
            bench,
            "dnsmasq",
            &self.namespace,
            &[&configured, "--user=root"],
        )?;
        self.servers.push(own);
        if self.addresses == Addresses::Other {
            let words = [
                "--conf-file=/dev/null",
                "--port=0",
                "--interface=wire1",
                "--bind-interfaces",
                "--leasefile-ro",
                "--pid-file=",
                &format!("--dhcp-range={RANGE},1h"),
            ];
            let other = self.server(bench, "other-dhcp", &self.other, &words)?;
            self.servers.push(other);
        }
        Ok(())
    }

    fn server(
        &self,
        bench: &Bench,
        name: &str,
        namespace: &str,
        words: &[&str],
    ) -> anyhow::Result<Child> {
        let log = File::create(bench.path().join(format!("{name}.log")))?;
        process::tied_in(Some(namespace), "dnsmasq")
            .args(["--keep-in-foreground", "--log-facility=-", "--log-dhcp"])
            .args(words)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("starting dnsmasq")
    }
}

impl Drop for Lan {
    fn drop(&mut self) {
        for server in &mut self.servers {
            // Fails when it has ended already, which is what is wanted.
            let _ = server.kill();
            let _ = server.wait();
        }
        for namespace in [&self.namespace, &self.other] {
            let _ = ip(&["netns", "del", namespace]);
        }
    }
}

/// Takes away namespaces of runs that were killed: those whose process is gone.
fn take_away_left_over() {
    let entries = fs::read_dir("/run/netns").into_iter().flatten().flatten();
    for name in entries.filter_map(|entry| entry.file_name().into_string().ok()) {
        let process = name
            .strip_prefix("raz-")
            .and_then(|name| name.split('-').next());
        if process.is_some_and(|process| !Path::new("/proc").join(process).exists()) {
            let _ = ip(&["netns", "del", &name]);
        }
    }
}

fn ip(words: &[&str]) -> anyhow::Result<()> {
    let output = Command::new("ip").args(words).output();
    let output = output.context("starting ip")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "ip {}: {said}", words.join(" "));
    Ok(())
}
