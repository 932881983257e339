//! Screens and graphics adapters: connectors of `/sys/class/drm`, PCI functions of class 03.
//!
//! Dead pixels and colours are for eyes; nothing here has looked at a picture.

use crate::parts::edid::{self, Edid};
use crate::roots::Reader;

/// A screen on a connector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Display {
    /// Connector, such as `eDP-1` or `HDMI-A-1`.
    pub connector: String,
    /// Built into the machine (eDP, LVDS, DSI).
    pub internal: bool,
    /// What it says of itself; its oddities are in the machine's list.
    pub edid: Edid,
}

/// A graphics adapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gpu {
    /// PCI address, such as `0000:00:02.0`.
    pub address: String,
    /// PCI vendor id.
    pub vendor_id: u16,
    /// PCI device id.
    pub device_id: u16,
    /// Kernel driver.
    pub driver: Option<String>,
}

pub(crate) fn displays(reader: &mut Reader) -> Vec<Display> {
    let mut displays = Vec::new();
    for entry in reader.sys_list("class/drm") {
        // card0-eDP-1; card0 and renderD128 have no connector.
        let Some((_, connector)) = entry.split_once('-').filter(|_| entry.starts_with("card"))
        else {
            continue;
        };
        let bytes = reader
            .sys_bytes(&format!("class/drm/{entry}/edid"))
            .unwrap_or_default();
        if bytes.is_empty() {
            continue;
        }
        let mut edid = edid::parse(&bytes);
        for oddity in edid.oddities.drain(..) {
            reader.odd(format!("screen on {connector}: {oddity}"));
        }
        displays.push(Display {
            connector: connector.to_owned(),
            internal: ["eDP", "LVDS", "DSI"]
                .into_iter()
                .any(|kind| connector.starts_with(kind)),
            edid,
        });
    }
    displays
}

pub(crate) fn gpus(reader: &mut Reader) -> Vec<Gpu> {
    let mut gpus = Vec::new();
    for address in reader.sys_list("bus/pci/devices") {
        let folder = format!("bus/pci/devices/{address}");
        // Six digits: base class 03 is display, then subclass and interface.
        let class = reader
            .sys_text(&format!("{folder}/class"))
            .unwrap_or_default();
        if !class.starts_with("0x03") {
            continue;
        }
        let ids = hexadecimal(reader, &format!("{folder}/vendor"))
            .zip(hexadecimal(reader, &format!("{folder}/device")));
        let Some((vendor_id, device_id)) = ids else {
            reader.odd(format!(
                "graphics adapter {address}: no vendor and device id"
            ));
            continue;
        };
        let driver = reader.sys_link(&format!("{folder}/driver"));
        gpus.push(Gpu {
            address,
            vendor_id,
            device_id,
            driver,
        });
    }
    gpus
}

fn hexadecimal(reader: &mut Reader, name: &str) -> Option<u16> {
    u16::from_str_radix(reader.sys_text(name)?.strip_prefix("0x")?, 16).ok()
}
