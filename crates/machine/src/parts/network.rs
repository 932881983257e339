//! Network adapters by `/sys/class/net`: hardware only, never what they were connected to.

use crate::roots::Reader;

/// One physical adapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nic {
    /// Kernel name, such as `eth0`. It changes between boots.
    pub name: String,
    /// Hardware address in lower case; absent when it is all zeros or ones.
    pub mac: Option<String>,
    /// Wi-Fi or other radio.
    pub wireless: bool,
    /// Kernel driver.
    pub driver: Option<String>,
    /// Bus, such as `pci` or `usb`: a USB adapter leaves with the technician, not the machine.
    pub bus: Option<String>,
    /// Speed of the link in Mbit/s, when there is one.
    pub speed_mbits: Option<u32>,
}

/// `ARPHRD_ETHER`: also the type of Wi-Fi adapters.
const HARDWARE_TYPE_ETHERNET: i64 = 1;

/// Adapters with a device behind them: bridges, tunnels and the loopback have none.
pub(crate) fn read(reader: &mut Reader) -> Vec<Nic> {
    let mut nics = Vec::new();
    for name in reader.sys_list("class/net") {
        let folder = format!("class/net/{name}");
        if !reader.sys_exists(&format!("{folder}/device"))
            || reader.sys_number(&format!("{folder}/type")) != Some(HARDWARE_TYPE_ETHERNET)
        {
            continue;
        }
        let mac = reader
            .sys_text(&format!("{folder}/address"))
            .map(|mac| mac.to_lowercase());
        let unset = |mac: &str| matches!(mac, "00:00:00:00:00:00" | "ff:ff:ff:ff:ff:ff");
        if mac.as_deref().is_some_and(unset) {
            reader.odd(format!("{name}: hardware address is not set"));
        }
        // Reading the speed of a link that is down is an error of its own (EINVAL), so ask first.
        let up = reader.sys_text(&format!("{folder}/operstate")).as_deref() == Some("up");
        let wireless = reader.sys_exists(&format!("{folder}/wireless"))
            || reader.sys_exists(&format!("{folder}/phy80211"));
        let speed = if up && !wireless {
            reader.sys_number(&format!("{folder}/speed"))
        } else {
            None
        };
        nics.push(Nic {
            mac: mac.filter(|mac| !unset(mac)),
            wireless,
            driver: reader.sys_link(&format!("{folder}/device/driver")),
            bus: reader.sys_link(&format!("{folder}/device/subsystem")),
            speed_mbits: speed
                .and_then(|speed| u32::try_from(speed).ok())
                .filter(|speed| *speed != 0),
            name,
        });
    }
    nics
}
