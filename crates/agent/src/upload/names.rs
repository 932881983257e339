//! Host names to addresses, from `/etc/resolv.conf` and `/etc/hosts` only.
//!
//! A static binary has no `getaddrinfo`. The resolver that reqwest brings asks a public one when
//! there is no `/etc/resolv.conf`, and keeps the first configuration that it read: the workshop's
//! server name would leave the house, and an address that DHCP brings later would never be seen.

use hickory_resolver::TokioResolver;
use hickory_resolver::config::LookupIpStrategy;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::SocketAddr;

/// Reads the configuration anew for each look-up: there are a handful in a session.
#[derive(Debug)]
pub struct SystemNames;

impl Resolve for SystemNames {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let mut builder = TokioResolver::builder_tokio()
                .map_err(|error| format!("reading /etc/resolv.conf: {error}"))?;
            builder.options_mut().ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
            let found = builder.build()?.lookup_ip(name.as_str()).await?;
            let addresses: Vec<SocketAddr> = found
                .iter()
                .map(|address| SocketAddr::new(address, 0))
                .collect();
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}
