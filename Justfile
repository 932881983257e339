# Short names for `cargo xtask`; the two are the same door.

# Every test; `just test --quick` leaves out the lab
test *arguments:
    cargo xtask test {{arguments}}

# Erase a virtual PC and show the proof
demo *arguments:
    cargo xtask demo {{arguments}}

# Build target/image
image *arguments:
    cargo xtask image {{arguments}}

# Check the architecture's invariants
tidy:
    cargo xtask tidy

# Measure raz against fio and other erasers (root)
bench *arguments:
    cargo xtask bench {{arguments}}
