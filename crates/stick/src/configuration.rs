//! What a workshop puts into `raz.toml` of its sticks, checked by the rules that `raz` reads it by.
//!
//! The values are those of the kernel's arguments without `raz.` (see the file in the image). What `raz`
//! would call odd is refused here: on the machine it would keep the unattended mode off.

use std::fmt::Write;

/// Layouts of keyboards that the image has, by the country.
pub const KEYBOARDS: [&str; 8] = ["be", "ch", "de", "es", "fr", "gb", "it", "us"];

/// One stick's configuration; what is absent is left to `raz`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Configuration {
    /// Address of the service, `https://host:port`.
    pub server: Option<String>,
    /// SHA-256 of its certificate, 64 hexadecimal digits.
    pub pin: Option<String>,
    /// Enrolment token.
    pub token: Option<String>,
    /// `fr` or `en`.
    pub lang: Option<String>,
    /// One of [`KEYBOARDS`].
    pub keyboard: Option<String>,
    /// `clear`, `purge` or `auto`.
    pub level: Option<String>,
    /// For the report.
    pub lot: Option<String>,
    /// For the report.
    pub operator: Option<String>,
    /// Serials or ids that are never erased.
    pub keep: Vec<String>,
    /// Make the plan unattended.
    pub auto_erase: bool,
    /// Power off when everything is proven and the service has the report.
    pub poweroff: bool,
}

/// A value that `raz` would not take. Its text is not repeated: it may be the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {rule}")]
pub struct Invalid {
    /// Which.
    pub name: &'static str,
    /// What it must be.
    pub rule: &'static str,
}

impl Configuration {
    /// The file.
    ///
    /// # Errors
    /// The first value that `raz` would not take.
    pub fn text(&self) -> Result<String, Invalid> {
        let mut text = String::from("# Written by raz-inventory image configure.\n");
        let mut line = |name, value: &Option<String>, rule, holds: &dyn Fn(&str) -> bool| {
            let Some(value) = value else {
                return Ok(());
            };
            if !is_plain(value) || !holds(value) {
                return Err(Invalid { name, rule });
            }
            let _ = writeln!(text, "{name} = {}", quoted(value));
            Ok(())
        };
        let short = "up to 200 characters, none of them a control character";
        line("server", &self.server, "https://host:port", &is_address)?;
        line("pin", &self.pin, "64 hexadecimal digits", &|value| {
            value.len() == 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit())
        })?;
        line("token", &self.token, short, &|_| true)?;
        line("lang", &self.lang, "fr or en", &|value| {
            ["fr", "en"].contains(&value)
        })?;
        let layouts = "be, ch, de, es, fr, gb, it or us";
        line("keyboard", &self.keyboard, layouts, &|value| {
            KEYBOARDS.contains(&value)
        })?;
        line("level", &self.level, "clear, purge or auto", &|value| {
            ["clear", "purge", "auto"].contains(&value)
        })?;
        line("lot", &self.lot, short, &|_| true)?;
        line("operator", &self.operator, short, &|_| true)?;
        if self
            .keep
            .iter()
            .any(|serial| !is_plain(serial) || serial.contains(','))
        {
            return Err(Invalid {
                name: "keep",
                rule: "serials or ids, one each, without a comma",
            });
        }
        if self.auto_erase && (self.server.is_none() || self.pin.is_none()) {
            return Err(Invalid {
                name: "auto",
                rule: "needs server and pin: the service arms",
            });
        }
        if !self.keep.is_empty() {
            let serials: Vec<String> = self.keep.iter().map(|serial| quoted(serial)).collect();
            let _ = writeln!(text, "keep = [{}]", serials.join(", "));
        }
        if self.auto_erase {
            text.push_str("auto = \"erase\"\n");
        }
        if self.poweroff {
            text.push_str("poweroff = true\n");
        }
        Ok(text)
    }
}

/// What the reader would trim is another value than the one that was asked for.
fn is_plain(value: &str) -> bool {
    !value.is_empty()
        && value.trim() == value
        && value.chars().count() <= 200
        && !value.chars().any(char::is_control)
}

/// `https://`, a host and maybe a port, and nothing else.
fn is_address(value: &str) -> bool {
    let Some(rest) = value.strip_prefix("https://") else {
        return false;
    };
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        Some(_) | None => (rest, None),
    };
    let address = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let is_host = match address {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => is_name(host),
    };
    is_host && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

/// A host as a name or an IPv4 address. One whose last part begins with a digit is an address (URL standard,
/// 3.5), and letters beyond ASCII have a form that not every reader takes.
fn is_name(host: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let is_label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(plain)
            && !label.starts_with('-')
            && !label
                .get(..4)
                .is_some_and(|begin| begin.eq_ignore_ascii_case("xn--"))
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    match last.starts_with(|c: char| c.is_ascii_digit()) {
        true => host.parse::<std::net::Ipv4Addr>().is_ok(),
        false => host.split('.').all(is_label),
    }
}

/// A basic string of TOML.
fn quoted(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}
