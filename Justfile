# Short names for `cargo xtask`; the two are the same door.

# Every test; `just test --quick` leaves out the lab
test *arguments:
    cargo xtask test {{arguments}}

# The ISO by every firmware, from disc and stick (`just lab boot`)
lab *arguments:
    cargo xtask lab {{arguments}}

# Erase a virtual PC and show the proof
demo *arguments:
    cargo xtask demo {{arguments}}

# Build target/image
image *arguments:
    cargo xtask image {{arguments}}

# Lay other people's tools into target/peers, for the lab
peers *arguments:
    cargo xtask peers {{arguments}}

# Check buildroot-config/ as far as it goes without building
buildroot:
    cargo xtask buildroot

# Check the architecture's invariants
tidy:
    cargo xtask tidy

# Measure raz against fio and other erasers (root)
bench *arguments:
    cargo xtask bench {{arguments}}
