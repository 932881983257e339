include $(sort $(wildcard $(BR2_EXTERNAL_RAZ_PATH)/package/*/*.mk))

# GRUB as image/boot wants it: it reads its menu from the device that it was
# started from, whatever the firmware calls that device. Buildroot's own images
# name a partition.
RAZ_GRUB2_MODULES = $(shell cat $(BR2_EXTERNAL_RAZ_PATH)/../image/boot/grub.modules)
RAZ_GRUB2_MODULES_pc = $(RAZ_GRUB2_MODULES) biosdisk vbe
RAZ_GRUB2_MODULES_efi = $(RAZ_GRUB2_MODULES) efi_gop efi_uga efifwsetup

define RAZ_GRUB2_IMAGES
	mkdir -p $(BINARIES_DIR)/raz-grub
	$(HOST_DIR)/bin/grub-mkimage -O i386-pc-eltorito -p /boot/grub \
		-d $(@D)/build-i386-pc/grub-core \
		-o $(BINARIES_DIR)/raz-grub/eltorito.img $(RAZ_GRUB2_MODULES_pc)
	$(INSTALL) -m 0644 $(@D)/build-i386-pc/grub-core/boot_hybrid.img $(BINARIES_DIR)/raz-grub/
	$(HOST_DIR)/bin/grub-mkimage -O x86_64-efi -p /boot/grub \
		-d $(@D)/build-x86_64-efi/grub-core \
		-o $(BINARIES_DIR)/raz-grub/BOOTX64.EFI $(RAZ_GRUB2_MODULES_efi)
	$(HOST_DIR)/bin/grub-mkimage -O i386-efi -p /boot/grub \
		-d $(@D)/build-i386-efi/grub-core \
		-o $(BINARIES_DIR)/raz-grub/BOOTIA32.EFI $(RAZ_GRUB2_MODULES_efi)
endef
GRUB2_POST_INSTALL_IMAGES_HOOKS += RAZ_GRUB2_IMAGES
