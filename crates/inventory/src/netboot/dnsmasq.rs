//! The configuration of dnsmasq, which answers PCs that look for something to start from: DHCP or a proxy
//! beside somebody else's DHCP, and TFTP for the first programs.
//!
//! Client architectures are those of RFC 4578 as firmware uses them (the IANA's list "Processor
//! Architecture Types"): 0 BIOS, 6 UEFI of 32 bits, 7 and 9 UEFI of 64 bits, 16 UEFI HTTP boot of 64 bits.

use super::PORT;
use anyhow::{Result, ensure};
use clap::Args;
use std::fmt::Write;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

/// What the configuration is for.
#[derive(Args)]
pub struct Options {
    /// The folder of netboot, as for `serve`.
    #[arg(long, value_name = "DIR")]
    netboot: PathBuf,
    /// The network interface that the PCs are reached by.
    #[arg(long, value_name = "NAME")]
    interface: String,
    /// This machine's address there.
    #[arg(long, value_name = "ADDR")]
    address: Ipv4Addr,
    #[command(flatten)]
    addresses: Addresses,
}

/// Where a PC gets its address from.
#[derive(Args)]
#[group(required = true, multiple = false)]
struct Addresses {
    /// From the DHCP server that is there already: only say what to start.
    #[arg(long)]
    proxy: bool,
    /// From these, on a bench network without any other DHCP server.
    #[arg(long, value_name = "FIRST,LAST", value_parser = range)]
    range: Option<(Ipv4Addr, Ipv4Addr)>,
}

fn range(text: &str) -> Result<(Ipv4Addr, Ipv4Addr), String> {
    let (first, last) = text
        .split_once(',')
        .ok_or("two addresses with a comma between them")?;
    let address = |text: &str| {
        text.trim()
            .parse()
            .map_err(|_| format!("{text}: no address"))
    };
    let (first, last): (Ipv4Addr, Ipv4Addr) = (address(first)?, address(last)?);
    match first <= last {
        true => Ok((first, last)),
        false => Err("the first address is behind the last".into()),
    }
}

/// The configuration.
///
/// # Errors
/// Where a name would not be one word of it, and where the folder is not there.
pub fn configuration(options: &Options) -> Result<String> {
    let interface = &options.interface;
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    ensure!(
        !interface.is_empty() && interface.chars().all(plain),
        "{interface:?} is no interface"
    );
    let folder = options.netboot.canonicalize()?;
    text(options, &folder)
}

fn text(options: &Options, folder: &Path) -> Result<String> {
    let folder = folder.to_str().unwrap_or_default();
    // A comma begins another value of dnsmasq's, # a comment.
    let plain = |c: char| !c.is_control() && !",#\"\\".contains(c);
    ensure!(
        folder.starts_with('/') && folder.chars().all(plain),
        "the folder's path has a character that dnsmasq would misread"
    );
    let address = options.address;
    let mut text = format!(
        "# dnsmasq --keep-in-foreground --conf-file=THIS-FILE
# No DNS, no lease file; beside another dnsmasq of this machine.
port=0
interface={}
bind-interfaces
leasefile-ro
pid-file=
# The first programs and the menu. raz-inventory serves the rest, at port {PORT}.
enable-tftp
tftp-root={folder}
",
        options.interface
    );
    match options.addresses.range {
        None => write!(
            text,
            "# Beside the DHCP server of this network: addresses come from there.
dhcp-range={address},proxy
# A BIOS is told of one server only: iPXE comes first (it says so by option 175) and tells GRUB of this one.
dhcp-match=set:ipxe,175
pxe-service=tag:!ipxe,x86PC,raz,undionly.kpxe
pxe-service=tag:ipxe,x86PC,raz,grub.ipxe
pxe-service=IA32_EFI,raz,grubia32.efi
pxe-service=BC_EFI,raz,shimx64.efi
pxe-service=X86-64_EFI,raz,shimx64.efi
"
        )?,
        Some((first, last)) => write!(
            text,
            "# A bench network of its own: no way out of it, no DNS.
dhcp-authoritative
dhcp-range={first},{last},1h
dhcp-option=option:router
dhcp-option=option:dns-server
dhcp-match=set:bios,option:client-arch,0
dhcp-match=set:ia32,option:client-arch,6
dhcp-match=set:x64,option:client-arch,7
dhcp-match=set:x64,option:client-arch,9
dhcp-match=set:http,option:client-arch,16
dhcp-boot=tag:bios,grub.pxe
dhcp-boot=tag:ia32,grubia32.efi
dhcp-boot=tag:x64,shimx64.efi
dhcp-option-force=tag:http,60,HTTPClient
dhcp-boot=tag:http,http://{address}:{PORT}/shimx64.efi
"
        )?,
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(addresses: Addresses) -> Options {
        Options {
            netboot: "/srv/raz netboot".into(),
            interface: "eth0".into(),
            address: Ipv4Addr::new(10, 77, 0, 1),
            addresses,
        }
    }

    fn bench() -> Options {
        options(Addresses {
            proxy: false,
            range: Some(range("10.77.0.100,10.77.0.150").unwrap()),
        })
    }

    #[test]
    fn every_architecture_is_told_its_own_program() {
        let bench = bench();
        let text = text(&bench, &bench.netboot).unwrap();
        for line in [
            "dhcp-boot=tag:bios,grub.pxe",
            "dhcp-boot=tag:http,http://10.77.0.1:8480/shimx64.efi",
            "dhcp-range=10.77.0.100,10.77.0.150,1h",
            "tftp-root=/srv/raz netboot",
        ] {
            assert!(text.lines().any(|given| given == line), "{line}:\n{text}");
        }
    }

    /// Two DHCP servers in one network give addresses twice.
    #[test]
    fn proxy_gives_no_address_away() {
        let proxy = options(Addresses {
            proxy: true,
            range: None,
        });
        let text = text(&proxy, &proxy.netboot).unwrap();
        let ranges: Vec<&str> = text
            .lines()
            .filter(|l| l.starts_with("dhcp-range"))
            .collect();
        assert_eq!(ranges, ["dhcp-range=10.77.0.1,proxy"]);
        assert!(!text.contains("authoritative"));
    }

    #[test]
    fn what_dnsmasq_would_misread_is_refused() {
        let bench = bench();
        for path in ["/srv/a,b", "/srv/a\nport=53", "/srv/#a", "srv"] {
            assert!(text(&bench, Path::new(path)).is_err(), "{path}");
        }
        for interface in ["", "eth0\nport=53", "eth0,eth1", "*"] {
            let mut options = self::bench();
            options.interface = interface.into();
            options.netboot = "/".into();
            assert!(configuration(&options).is_err(), "{interface}");
        }
        for wrong in ["", "10.0.0.1", "10.0.0.9,10.0.0.1", "a,b"] {
            assert!(range(wrong).is_err(), "{wrong}");
        }
    }

    /// The menu that comes by TFTP names the port.
    #[test]
    fn menu_asks_at_the_port_that_is_served() {
        let menu = include_str!("../../../../image/boot/netboot.cfg");
        assert!(menu.contains(&format!("$server:{PORT}\"")));
    }
}
