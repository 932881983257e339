//! The pages' words, French first and English.

use crate::judge::{Doubt, Finding};
use report::api::StationState;
use report::schema::{Arrangement, ClockState, HiddenState, Level, Mode, PassKind};

/// A language of the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lang {
    /// French.
    Fr,
    /// English.
    En,
}

impl Lang {
    /// Its BCP 47 tag.
    pub fn tag(self) -> &'static str {
        match self {
            Self::Fr => "fr",
            Self::En => "en",
        }
    }

    /// Its own name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fr => "Français",
            Self::En => "English",
        }
    }

    /// The other one.
    pub fn other(self) -> Self {
        match self {
            Self::Fr => Self::En,
            Self::En => Self::Fr,
        }
    }

    /// From a tag such as `en-GB`.
    pub fn from_tag(tag: &str) -> Option<Self> {
        match tag.trim().split('-').next()?.to_ascii_lowercase().as_str() {
            "fr" => Some(Self::Fr),
            "en" => Some(Self::En),
            _ => None,
        }
    }

    /// From an `Accept-Language` header (RFC 9110 §12.5.4); French when it names neither.
    pub fn from_accepted(header: &str) -> Self {
        let weight = |wanted: Self| {
            let mut best = 0.0_f32;
            for item in header.split(',') {
                let (tag, parameter) = item.split_once(';').unwrap_or((item, "q=1"));
                let quality = parameter
                    .trim()
                    .strip_prefix("q=")
                    .and_then(|q| q.parse().ok());
                if Self::from_tag(tag) == Some(wanted) {
                    best = best.max(quality.unwrap_or(0.0));
                }
            }
            best
        };
        if weight(Self::En) > weight(Self::Fr) {
            Self::En
        } else {
            Self::Fr
        }
    }
}

/// The same words in both languages.
#[derive(Clone, Copy, Debug)]
pub struct Text {
    fr: &'static str,
    en: &'static str,
}

impl Text {
    /// In this language.
    pub fn of(self, lang: Lang) -> &'static str {
        match lang {
            Lang::Fr => self.fr,
            Lang::En => self.en,
        }
    }
}

macro_rules! table {
    ($($name:ident: $fr:literal, $en:literal;)*) => {
        $(
            #[doc = $en]
            pub const $name: Text = Text { fr: $fr, en: $en };
        )*
    };
}

table! {
    BRAND: "remise à zéro", "back to zero";
    SKIP: "Aller au contenu", "Skip to content";
    NAVIGATION: "Navigation", "Navigation";
    NOT_FOUND: "Rien à cette adresse", "Nothing at this address";
    NOT_ALLOWED: "Cette adresse ne fait que montrer", "This address only shows";
    NOT_NOW: "La base de données ne répond pas : réessayer",
        "The database does not answer: try again";
    UNREADABLE: "Ce rapport est gardé, mais cette version ne sait pas le lire",
        "This report is kept, but this version cannot read it";

    MACHINES: "Machines", "Machines";
    MACHINE: "Machine", "Machine";
    NO_MACHINES: "Aucun rapport n’est encore arrivé.", "No report has arrived yet.";
    SERIAL: "Numéro de série", "Serial number";
    DRIVES: "Disques", "Drives";
    DRIVES_VERIFIED: "Disques vérifiés", "Drives verified";
    GRADE: "Note", "Grade";
    ONCE_REMOVED: "; une fois retiré", "; once removed";
    NO_GRADE: "sans note", "no grade";
    RECEIVED: "Reçu", "Received";
    STATION: "Station", "Station";
    STATIONS: "Stations", "Stations";
    IMPORTED: "importé", "imported";
    IN_IMPORTED: "selon un rapport importé d’une station inconnue",
        "by an imported report of an unknown station";
    IMPORTED_BY: "importé par", "imported by";
    IMPORTED_ON: "le", "on";
    IMPORTED_UNKNOWN: "la station n’était pas connue du service quand le rapport a été fait",
        "the station was not known to the service when the report was made";
    IMPORT_REASON: "Raison de l’import", "Reason of the import";
    UNNAMED: "machine sans nom", "unnamed machine";
    NEWER: "Plus récentes", "Newer";
    OLDER: "Plus anciennes", "Older";

    VERDICT: "Verdict", "Verdict";
    WHY: "Pourquoi", "Why";
    RULE: "Règle", "Rule";
    PART: "Pièce", "Part";
    MEASURED: "Mesuré", "Measured";
    THRESHOLD: "Seuil", "Threshold";
    EFFECT: "Effet", "Effect";
    SOURCE: "Source", "Source";
    NO_CAPS: "Aucune règle n’a abaissé la note.", "No rule lowered the grade.";
    NOT_CHECKED: "Non contrôlé, la note n’en dit rien", "Not checked, the grade says nothing of it";
    RULES: "Règles", "Rules";

    OUTCOME_TEXT: "Conclusion du rapport", "The report’s conclusion";
    CAPACITY: "Capacité", "Capacity";
    KIND: "Type", "Kind";
    FIRMWARE: "Micrologiciel", "Firmware";
    IDENTITY: "Identité", "Identity";
    REFUSALS: "Refus", "Refusals";
    UNSEEN: "Peut contenir des données, pas vu", "May hold data, not seen";
    SHORTFALLS: "Ce qui manque à la preuve", "What is missing for proof";
    DOUBTS: "Le rapport se contredit", "The report contradicts itself";
    LEVEL: "Niveau NIST SP 800-88", "NIST SP 800-88 level";
    REQUESTED: "demandé", "requested";
    ACHIEVED: "atteint", "achieved";
    TECHNIQUE: "Technique", "Technique";
    PASSES: "Passes", "Passes";
    PASS: "Passe", "Pass";
    WRITTEN: "Écrit", "Written";
    WRITE_ERRORS: "Erreurs d’écriture", "Write errors";
    RESUMED: "Suite d'un travail interrompu", "Went on from a run that was cut off";
    BEGUN: "commencé le", "begun";
    RUNS_BEFORE: "passages précédents", "runs before";
    MARK: "repère du registre", "mark of the ledger";
    TAKEN_OVER: "repris sans réécriture", "taken over, not written again";
    RECALL: "relu avant la première écriture", "read before the first write";
    RECALL_CUT: "pas jusqu'au bout", "not to its end";
    LEDGER: "Registre", "Ledger";
    MARKS_KEPT: "repères gardés", "marks kept";
    FAILURES: "échecs", "failures";
    FAILED_COMMANDS: "commandes en échec", "commands that failed";
    FIRST_ERROR: "première erreur", "first error";
    FLUSHED: "Cache vidé", "Cache flushed";
    READ_BACK: "Relu et comparé", "Read back and compared";
    COVERAGE: "Couverture", "Coverage";
    DIFFERENCES: "Différences", "Differences";
    READ_ERRORS: "Erreurs de lecture", "Read errors";
    SAMPLE: "Sondage", "Sample";
    SECTORS_OF: "secteurs sur", "sectors of";
    SAMPLE_SEED: "Graine du sondage", "Seed of the sample";
    MISSED: "Ce qui peut échapper au sondage", "What the sample can miss";
    MISSED_MEANS: "Probabilité qu’un reste de cette taille n’ait pas été lu, où qu’il soit, toutes \
        les places étant aussi probables :",
        "Probability that a residue of this size was not read, every place being as likely as \
        another:";
    NONE: "aucune", "none";
    COLON: " : ", ": ";
    SECTORS: "secteurs de", "sectors of";
    HEALTH_BEFORE: "Santé avant", "Health before";
    HEALTH_AFTER: "Santé après", "Health after";
    FAILING: "le disque se dit défaillant", "the drive says that it is failing";
    TEMPERATURE: "°C", "°C";
    POWER_ON_HOURS: "heures de marche", "power-on hours";
    REALLOCATED: "secteurs réalloués", "reallocated sectors";
    PENDING_SECTORS: "secteurs en attente", "pending sectors";
    UNCORRECTABLE: "secteurs illisibles", "uncorrectable sectors";
    MEDIA_ERRORS: "erreurs du support", "media errors";
    GROWN_DEFECTS: "défauts apparus", "grown defects";
    PERCENT_USED: "usure en %", "wear in %";
    YES: "oui", "yes";
    NO: "non", "no";
    NOT_REACHED: "Non atteint par cette technique", "Not reached by this technique";
    HIDDEN: "Capacité cachée", "Hidden capacity";
    RESTORED: "rétablie pour de bon", "restored for good";
    ODDITIES: "Singularités", "Oddities";
    EVIDENCE: "Commandes et contrôles d’identité", "Commands and identity checks";
    IDENTITY_SAME: "identique", "the same";
    IDENTITY_OTHER: "DIFFÉRENTE", "DIFFERENT";
    CONSENT: "Accord", "Consent";
    TIMES: "Début et fin", "Start and end";

    ABOUT: "La machine", "The machine";
    CHASSIS: "Boîtier", "Chassis";
    CPU: "Processeur", "Processor";
    MEMORY: "Mémoire", "Memory";
    BATTERY: "Batterie", "Battery";
    BATTERY_HEALTH: "de sa capacité d’origine", "of its design capacity";
    CYCLES: "cycles", "cycles";
    BOARD: "Carte mère", "Board";
    FIRMWARE_MODE: "Démarrage", "Boot mode";
    MODE: "Mode", "Mode";
    OPERATOR: "Opérateur", "Operator";
    LOT: "Lot", "Lot";
    CLOCK: "Horloge de la machine", "The machine’s clock";
    LIMITS: "Ce que ce rapport n’établit pas", "What this report does not establish";

    PROOF: "Preuves", "Proof";
    PROOF_HELP: "Enregistrer les fichiers dans un même dossier, puis :",
        "Save the files in one folder, then:";
    CHECK_REPORT: "Le rapport est signé par la station", "The report is signed by the station";
    CHECK_IMPORTED: "Le rapport est signé par la clé que cette personne a confirmée, et par laquelle le \
        service n’accepte aucun autre rapport : comparer l’empreinte affichée avec",
        "The report is signed by the key that this person confirmed, by which the service accepts no \
        other report: compare the fingerprint shown with";
    CHECK_RECEIPT: "Le service l’a reçu tel quel", "The service received it as it is";
    CHECK_LIST: "La liste des signataires vient du service : comparer l’empreinte affichée avec",
        "The list of signers is the service’s: compare the fingerprint shown with";
    RECEIPT_NUMBER: "Reçu n°", "Receipt no.";
    DIGEST: "SHA-256 du rapport", "SHA-256 of the report";
    HISTORY: "Tous les rapports de cette machine", "All reports of this machine";
    THIS_REPORT: "ce rapport", "this report";
    OLDER_REPORT: "Il y a un rapport plus récent de cette machine.",
        "There is a newer report of this machine.";

    NO_STATIONS: "Aucune station n’est inscrite.", "No station is enrolled.";
    PENDING: "En attente d’acceptation", "Waiting to be accepted";
    PENDING_HELP: "Comparer chaque empreinte, signe par signe, avec celle de l’écran de la \
        station. Si elle est la même, l’accepter en ligne de commande :",
        "Compare each fingerprint, sign by sign, with the one on the station’s screen. If it is \
        the same, accept it on the command line:";
    NETBOOT: "démarrée par le réseau", "started over the network";
    KNOWN: "Stations connues", "Known stations";
    NAME: "Nom", "Name";
    FINGERPRINT: "Empreinte de la clé", "Key fingerprint";
    STATE: "État", "State";
    SINCE: "Depuis", "Since";
    ARMING: "Effacement sans surveillance", "Unattended erasing";
    NOT_ARMED: "Non armé : aucune machine ne s’efface sans accord sur place.",
        "Not armed: no machine is erased without consent at the machine.";
    ARMED_UNTIL: "Armé jusqu’au", "Armed until";
    ARMED_MACHINES: "machines comptées, sur", "machines counted, of";
    SERVICE_KEY: "Clé du service", "The service’s key";
    NOT_YET: "Accepter, révoquer et armer se font en ligne de commande : pas encore sur cette page.",
        "Accepting, revoking and arming are done on the command line: not on this page yet.";
}

/// What is said of a drive, strictly.
pub fn finding(finding: &Finding) -> Text {
    match finding {
        Finding::Verified => Text {
            fr: "vérifié",
            en: "verified",
        },
        Finding::Sampled => Text {
            fr: "écrit, contrôlé par sondage",
            en: "written, checked by sample",
        },
        Finding::WrittenNotChecked => Text {
            fr: "écrit, non contrôlé",
            en: "written, not checked",
        },
        Finding::NotComplete => Text {
            fr: "incomplet",
            en: "not complete",
        },
        Finding::NotStarted => Text {
            fr: "rien n’a été écrit",
            en: "nothing was written",
        },
        Finding::NotTried => Text {
            fr: "pas dans le plan",
            en: "not in the plan",
        },
        Finding::Contradiction(_) => Text {
            fr: "contradictoire, non prouvé",
            en: "contradictory, not proven",
        },
    }
}

/// What does not agree with the word.
pub fn doubt(doubt: Doubt) -> Text {
    match doubt {
        Doubt::NoPattern => Text {
            fr: "aucune passe n’a écrit le motif",
            en: "no pass wrote the pattern",
        },
        Doubt::NotAllWritten => Text {
            fr: "une passe n’a pas écrit tout le disque",
            en: "a pass did not write the whole drive",
        },
        Doubt::NotFlushed => Text {
            fr: "le cache n’a pas été vidé",
            en: "the cache was not flushed",
        },
        Doubt::NotAllRead => Text {
            fr: "une passe n’a pas été relue en entier",
            en: "a pass was not read back in full",
        },
        Doubt::Sample => Text {
            fr: "le sondage ne va pas avec ce disque, ou il est trop petit",
            en: "the sample does not go with this drive, or is too small",
        },
        Doubt::Mismatch => Text {
            fr: "la relecture diffère",
            en: "the read-back differs",
        },
        Doubt::Sanitize => Text {
            fr: "l'effacement par le disque lui-même est annoncé sans les preuves qu'il faut",
            en: "the drive's own erase is claimed without the evidence for it",
        },
        Doubt::Shortfalls => Text {
            fr: "le rapport donne des manques",
            en: "the report names shortfalls",
        },
        Doubt::Identity => Text {
            fr: "l’identité a changé, ou n’a pas été relue entre les phases",
            en: "the identity changed, or was not read between the phases",
        },
        Doubt::Level => Text {
            fr: "le niveau atteint ne va pas avec la conclusion",
            en: "the level achieved does not go with the conclusion",
        },
    }
}

/// Where a station stands.
pub fn station(state: StationState) -> Text {
    match state {
        StationState::Pending => Text {
            fr: "en attente",
            en: "pending",
        },
        StationState::Accepted => Text {
            fr: "acceptée",
            en: "accepted",
        },
        StationState::Revoked => Text {
            fr: "révoquée",
            en: "revoked",
        },
    }
}

/// A level; the standard's own words stay.
pub fn level(level: Level) -> Text {
    match level {
        Level::None => Text {
            fr: "aucun",
            en: "none",
        },
        Level::Clear => Text {
            fr: "Clear",
            en: "Clear",
        },
        Level::Purge => Text {
            fr: "Purge",
            en: "Purge",
        },
    }
}

/// What a pass wrote.
pub fn pass(kind: PassKind) -> Text {
    match kind {
        PassKind::Pattern => Text {
            fr: "motif",
            en: "pattern",
        },
        PassKind::Complement => Text {
            fr: "complément",
            en: "complement",
        },
        PassKind::Zero => Text {
            fr: "zéros",
            en: "zeros",
        },
    }
}

/// How the sectors of a residue lie.
pub fn arrangement(arrangement: Arrangement) -> Text {
    match arrangement {
        Arrangement::Contiguous => Text {
            fr: "secteurs d’une seule suite",
            en: "sectors in one run",
        },
        Arrangement::Scattered => Text {
            fr: "secteurs épars",
            en: "scattered sectors",
        },
    }
}

/// Hidden capacity: unknown is not clean.
pub fn hidden(state: HiddenState) -> Text {
    match state {
        HiddenState::NotApplicable => Text {
            fr: "sans objet",
            en: "does not apply",
        },
        HiddenState::None => Text {
            fr: "aucune",
            en: "none",
        },
        HiddenState::Hidden => Text {
            fr: "il y en a",
            en: "there is some",
        },
        HiddenState::OpenedForThisBoot => Text {
            fr: "ouverte pour ce démarrage seulement",
            en: "opened for this boot only",
        },
        HiddenState::Unknown => Text {
            fr: "inconnue, non contrôlée",
            en: "unknown, not checked",
        },
    }
}

/// How the run was started.
pub fn mode(mode: Mode) -> Text {
    match mode {
        Mode::CommandLine => Text {
            fr: "ligne de commande",
            en: "command line",
        },
        Mode::Session => Text {
            fr: "une personne à la console",
            en: "a person at the console",
        },
        Mode::Unattended => Text {
            fr: "sans surveillance, armé ici",
            en: "unattended, armed here",
        },
    }
}

/// What the machine's clock was compared with.
pub fn clock(state: ClockState) -> Text {
    match state {
        ClockState::Unsynchronised => Text {
            fr: "comparée à rien",
            en: "compared with nothing",
        },
        ClockState::Compared => Text {
            fr: "comparée à celle du service",
            en: "compared with the service’s",
        },
    }
}
