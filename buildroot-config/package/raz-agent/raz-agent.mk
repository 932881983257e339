################################################################################
#
# raz-agent
#
################################################################################

RAZ_AGENT_VERSION = local
RAZ_AGENT_SOURCE =
RAZ_AGENT_LICENSE = MIT or Apache-2.0
RAZ_AGENT_BINARY = $(call qstrip,$(BR2_PACKAGE_RAZ_AGENT_BINARY))

# The image has no dynamic loader: a program that asks for one, or for a
# library, would fail on the bench.
define RAZ_AGENT_BUILD_CMDS
	$(TARGET_READELF) --wide --program-headers --dynamic $(RAZ_AGENT_BINARY) > $(@D)/headers
	! grep -E 'INTERP|NEEDED' $(@D)/headers
endef

define RAZ_AGENT_INSTALL_TARGET_CMDS
	$(INSTALL) -D -m 0755 $(RAZ_AGENT_BINARY) $(TARGET_DIR)/usr/bin/raz
endef

$(eval $(generic-package))
