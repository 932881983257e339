#!/bin/sh
# post-image.sh FOLDER: from what Buildroot has laid there (bzImage, rootfs.cpio.gz, raz-grub/) to the same files as
# `cargo xtask image` makes: vmlinuz, initrd.img, raz.iso. Same inputs, same bytes.
#
# The ISO is laid out as crates/xtask/src/image/iso.rs does it, which explains it, but for Secure Boot: what is
# built here is signed by nobody. Needs grub-mkimage's files, mtools and xorriso, on PATH or in $HOST_DIR/bin.
set -eu

images=$1
here=$(cd "$(dirname "$0")" && pwd)
boot=$here/../../../image/boot
PATH=${HOST_DIR:+$HOST_DIR/bin:}$PATH
export TZ=UTC SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-1767225600}"
grub=$images/raz-grub

work=$images/raz-work
rm -rf "$work"
mkdir -p "$work/iso/boot/raz" "$work/iso/boot/grub/i386-pc" "$work/iso/.disk" "$work/volume/EFI/BOOT" "$work/volume/boot/grub"

cp "$images/bzImage" "$images/vmlinuz"
cp "$images/rootfs.cpio.gz" "$images/initrd.img"
cp "$images/vmlinuz" "$images/initrd.img" "$work/iso/boot/raz/"
echo raz >"$work/iso/.disk/info"
{
    printf 'set arguments="%s"\n\n' "$(tr '\n' ' ' <"$here/../../../image/arguments" | sed 's/ *$//')"
    cat "$boot/menu.cfg"
} >"$work/iso/boot/raz/menu.cfg"
cp "$boot/start.cfg" "$work/iso/boot/grub/grub.cfg"
cp "$grub/eltorito.img" "$work/iso/boot/grub/i386-pc/"
cp "$grub/BOOTX64.EFI" "$grub/BOOTIA32.EFI" "$work/volume/EFI/BOOT/"
cp "$boot/start.cfg" "$work/volume/boot/grub/grub.cfg"
cp "$boot/raz.toml" "$boot/kernel.cfg" "$work/volume/"

# Identities from the content: ISO 9660 has none but a date.
sum=$(cd "$work" && find iso volume -type f | LC_ALL=C sort | xargs sha256sum | sha256sum | cut -c1-40)
digit() { printf "%0${4}d" $(($2 + 0x$(echo "$sum" | cut -c"$1") % $3)); }
date=$(digit 1-4 2000 100 4)$(digit 5-8 1 12 2)$(digit 9-12 1 28 2)$(digit 13-16 0 24 2)$(digit 17-20 0 60 2)$(digit 21-24 0 60 2)$(digit 25-28 0 100 2)
find "$work" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +

volume=$work/volume.img
truncate -s 12M "$volume"
mformat -i "$volume" -N "$(echo "$sum" | cut -c33-40)" -v RAZ ::
(cd "$work/volume" && mcopy -s -m -i "$volume" EFI boot kernel.cfg raz.toml ::)
xorriso -report_about WARNING -as mkisofs -quiet -iso-level 3 -full-iso9660-filenames -rock -volid RAZ \
    --modification-date="$date" --set_all_file_dates set_to_mtime \
    -b boot/grub/i386-pc/eltorito.img -no-emul-boot -boot-load-size 4 -boot-info-table --grub2-boot-info \
    --grub2-mbr "$grub/boot_hybrid.img" \
    -eltorito-alt-boot -e --interval:appended_partition_2:all:: -no-emul-boot \
    -append_partition 2 EBD0A0A2-B9E5-4433-87C0-68B6B72699C7 "$volume" \
    -appended_part_as_gpt --mbr-force-bootable -partition_offset 16 \
    -o "$images/raz.iso" "$work/iso"
rm -rf "$work"
