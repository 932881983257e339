//! What the processor can do, as far as raz chooses by it.

/// Whether the processor has AES instructions: with them AES-CTR is the fastest keystream, without them one of
/// the slowest.
#[must_use]
pub fn has_aes() -> bool {
    #[cfg(target_arch = "x86_64")]
    return std::arch::is_x86_feature_detected!("aes");
    #[cfg(target_arch = "aarch64")]
    return std::arch::is_aarch64_feature_detected!("aes");
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    return false;
}

#[cfg(test)]
mod tests {
    #[test]
    fn agrees_with_what_the_kernel_lists() {
        let listed = std::fs::read_to_string("/proc/cpuinfo").unwrap();
        let flags = listed
            .lines()
            .find(|line| line.starts_with("flags") || line.starts_with("Features"));
        let listed = flags.is_some_and(|flags| flags.split_whitespace().any(|flag| flag == "aes"));
        assert_eq!(super::has_aes(), listed);
    }
}
