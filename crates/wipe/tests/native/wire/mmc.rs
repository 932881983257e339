//! What carries commands between `wipe::native` and a simulated eMMC as Linux does: it selects the area
//! of the node, waits while the card is busy, asks for the status meanwhile and keeps what it reads,
//! sends a sanitize by its own means, and interrupts what it gives up.

use drive::mmc::ExtCsd;
use drive::mmc::erasing::Erasing;
use drive::port::{AdminCommand, AdminReply, Data, MmcCommand, Port, ScsiReply};
use sim::clock::Clock;
use sim::device::{Event, MmcDevice as _};
use sim::mmc::{MmcCard, SECTOR_BYTES};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use wipe::native::boot_area::Area;
use wipe::native::witness::Medium;

const SANITIZE_START: u8 = 165;
const EBADMSG: i32 = 74;
const SWITCH_ERROR: u32 = 1 << 7;

/// How the kernel and its host controller are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// The host controller sees when the card is busy, so that nobody asks for the status meanwhile.
    pub sees_busy: bool,
    /// A switch error of a sanitize is told.
    pub checks_switch: bool,
    /// No more patience than this, whatever the caller has.
    pub patience: Duration,
    /// It shows no nodes of boot areas.
    pub hides_boot_areas: bool,
    /// Boot areas stay read-only, whatever is written into `force_ro`.
    pub keeps_force_ro: bool,
}

impl Default for Kernel {
    fn default() -> Self {
        Self {
            sees_busy: false,
            checks_switch: true,
            patience: Duration::MAX,
            hides_boot_areas: false,
            keeps_force_ro: false,
        }
    }
}

/// A card that the test holds too.
#[derive(Clone)]
pub struct MmcWire {
    card: Arc<Mutex<MmcCard>>,
    clock: Clock,
    kernel: Kernel,
    sectors: u64,
    /// Within the wait for this command (CMD38, or CMD6 for the sanitize) this happens.
    pub meanwhile: Option<(u8, Event)>,
}

impl MmcWire {
    pub fn new(card: MmcCard, clock: Clock, kernel: Kernel, sectors: u64) -> Self {
        Self {
            card: Arc::new(Mutex::new(card)),
            clock,
            kernel,
            sectors,
            meanwhile: None,
        }
    }

    pub fn card(&self) -> MutexGuard<'_, MmcCard> {
        self.card.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the register says, by raz's own decoder.
    pub fn erasing(&self) -> Result<Erasing, String> {
        let data = self.mmc_ext_csd().map_err(|error| error.to_string())?;
        Erasing::of(&ExtCsd::parse(&data).ok_or("no register")?)
    }

    /// The node of a boot area.
    pub fn hold(&self, number: u8) -> Result<Box<dyn Area>, String> {
        if self.kernel.hides_boot_areas {
            return Err("the kernel shows no such area".into());
        }
        Ok(Box::new(Node {
            wire: self.clone(),
            number,
            force_ro: true,
        }))
    }

    fn send(&self, index: u8, argument: u32) -> io::Result<(u32, Vec<u8>)> {
        let answer = self.card().command(index, argument, &[]);
        let answer = answer.ok_or_else(|| io::Error::from(io::ErrorKind::TimedOut))?;
        Ok((answer.response, answer.data))
    }

    /// Until the card is no longer busy. Gives all that the status said meanwhile, which the kernel
    /// keeps to itself; `None` where it did not ask.
    fn wait(&self, index: u8, timeout: Duration) -> io::Result<Option<u32>> {
        let began = self.clock.now();
        let mut pause = Duration::from_millis(1);
        let mut said = 0;
        loop {
            let busy = if self.kernel.sees_busy {
                self.card().is_busy()
            } else {
                let (response, _) = self.send(13, 1 << 16)?;
                said |= response;
                response >> 9 & 0xF == 7
            };
            if !busy {
                return Ok((!self.kernel.sees_busy).then_some(said));
            }
            if self.clock.now() - began >= timeout.min(self.kernel.patience) {
                self.send(13, 1 << 16 | 1)?;
                return Err(io::ErrorKind::TimedOut.into());
            }
            self.clock.advance(pause);
            pause = (pause * 2).min(Duration::from_secs(60));
            if let Some((_, event)) = self.meanwhile.filter(|(when, _)| *when == index)
                && pause > Duration::from_millis(16)
            {
                self.card().event(event);
            }
        }
    }

    fn carry(&self, command: &MmcCommand, timeout: Duration) -> io::Result<u32> {
        let [_, switched, ..] = command.argument.to_be_bytes();
        let (response, _) = self.send(command.index, command.argument)?;
        if command.index == 6 && switched == SANITIZE_START {
            let said = self.wait(command.index, timeout)?;
            let said = match said {
                Some(said) => said,
                None if self.kernel.checks_switch => self.send(13, 1 << 16)?.0,
                None => 0,
            };
            return match self.kernel.checks_switch && said & SWITCH_ERROR != 0 {
                true => Err(io::Error::from_raw_os_error(EBADMSG)),
                false => Ok(0),
            };
        }
        if command.index == 38 {
            self.wait(command.index, timeout)?;
        }
        Ok(response)
    }

    /// As the kernel's disk driver: a card that answers nothing is started over, once.
    fn data(&self, index: u8, sector: u64, out: &[u8]) -> io::Result<Vec<u8>> {
        let argument = u32::try_from(sector).expect("a small card");
        for _ in 0..2 {
            match self.card().command(index, argument, out) {
                Some(answer) if answer.response & 0xFDF9_8008 == 0 => return Ok(answer.data),
                Some(answer) => {
                    let text = format!("card status {:08x}", answer.response);
                    return Err(io::Error::other(text));
                }
                None => {}
            }
            let _ = self.card().command(0, 0, &[]);
        }
        Err(io::ErrorKind::TimedOut.into())
    }
}

impl Port for MmcWire {
    fn scsi(&self, _: &[u8], _: Data<'_>, _: Duration) -> io::Result<ScsiReply> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn nvme_admin(&self, _: &AdminCommand, _: Data<'_>, _: Duration) -> io::Result<AdminReply> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn mmc_ext_csd(&self) -> io::Result<[u8; 512]> {
        let (_, data) = self.send(8, 0)?;
        data.try_into()
            .map_err(|_| io::ErrorKind::UnexpectedEof.into())
    }

    fn mmc(&self, commands: &[MmcCommand], timeout: Duration) -> io::Result<Vec<u32>> {
        let carried = commands.iter().map(|command| self.carry(command, timeout));
        carried.collect()
    }

    fn read_at(&self, buffer: &mut [u8], offset_bytes: u64) -> io::Result<()> {
        let sector = offset_bytes / SECTOR_BYTES as u64;
        buffer.copy_from_slice(&self.data(17, sector, &[])?);
        Ok(())
    }
}

impl Medium for MmcWire {
    fn sector_bytes(&self) -> usize {
        SECTOR_BYTES
    }

    fn sectors(&self) -> u64 {
        self.sectors
    }

    fn read(&self, sector: u64, buffer: &mut [u8]) -> io::Result<()> {
        buffer.copy_from_slice(&self.data(17, sector, &[])?);
        Ok(())
    }

    fn write(&self, sector: u64, bytes: &[u8]) -> io::Result<()> {
        self.data(24, sector, bytes).map(|_| ())
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}

/// PARTITION_CONFIG in EXT_CSD.
const PARTITION_CONFIG: u8 = 179;

/// The block device of a boot area: the kernel selects the area, and the user area again afterwards.
struct Node {
    wire: MmcWire,
    number: u8,
    force_ro: bool,
}

impl Node {
    fn select(&self, access: u8) -> io::Result<()> {
        let config = self.wire.mmc_ext_csd()?[usize::from(PARTITION_CONFIG)] & !0b111 | access;
        let switch = u32::from_be_bytes([3, PARTITION_CONFIG, config, 1]);
        self.wire.send(6, switch).map(|_| ())
    }

    fn data(&self, index: u8, offset_bytes: u64, out: &[u8]) -> io::Result<Vec<u8>> {
        self.select(self.number + 1)?;
        let done = self
            .wire
            .data(index, offset_bytes / SECTOR_BYTES as u64, out);
        self.select(0)?;
        done
    }
}

impl Area for Node {
    fn bytes(&self) -> u64 {
        let register = self.wire.mmc_ext_csd().expect("a card that answers");
        ExtCsd::parse(&register)
            .expect("a register")
            .boot_area_bytes
    }

    fn read_at(&self, buffer: &mut [u8], offset_bytes: u64) -> io::Result<()> {
        for (offset, sector) in (offset_bytes..)
            .step_by(SECTOR_BYTES)
            .zip(buffer.chunks_mut(SECTOR_BYTES))
        {
            sector.copy_from_slice(&self.data(17, offset, &[])?);
        }
        Ok(())
    }

    fn lift(&mut self) -> Result<(), String> {
        self.force_ro = self.wire.kernel.keeps_force_ro;
        match self.force_ro {
            true => Err("the kernel keeps it read-only all the same".into()),
            false => Ok(()),
        }
    }

    fn write_at(&self, bytes: &[u8], offset_bytes: u64) -> io::Result<()> {
        assert!(!self.force_ro, "a write to a node that is read-only");
        for (offset, sector) in (offset_bytes..)
            .step_by(SECTOR_BYTES)
            .zip(bytes.chunks(SECTOR_BYTES))
        {
            self.data(24, offset, sector)?;
        }
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        Ok(())
    }

    fn protect(&mut self) -> Result<(), String> {
        self.force_ro = true;
        Ok(())
    }
}
