"""What personal data is processed for, and by which law it may be, or must be, kept or erased.

Articles are of Regulation (EU) 2016/679 (GDPR). ISO/IEC 17025:2017 and 21 CFR Part 11 are not Union
law: they show what a laboratory's technical records need, and bind by law only where law says so.
"""

from __future__ import annotations

from mlmcsc.domain.privacy.tags import Activity

LABORATORY = "members of the laboratory with the right to read"
CLEAR_READERS = "members of the laboratory with the right to read personal data"
AUDITORS = "auditors and, at an assessment, the accreditation body"
CUSTOMERS = "customers and partners who are given a data set (no names)"
ADMINISTRATORS = "administrators of the database"
OFFICERS = "those who answer privacy requests and, when it asks, the supervisory authority"

TRACING = Activity(
    name="Measuring, and tracing each result",
    purpose="To measure fracture surfaces and to show who made, checked and changed each result "
    "(ISO/IEC 17025:2017, 7.5.1 and 7.5.2).",
    basis="GDPR Art. 6(1)(f): the laboratory's legitimate interest in traceable results; "
    "Art. 6(1)(c) where Union or Member State law makes it keep them",
    recipients=(LABORATORY, AUDITORS, CUSTOMERS),
)

STAFF = Activity(
    name="Register of technicians",
    purpose="To know who may measure, and to reach them (ISO/IEC 17025:2017, 6.2.5 and 6.2.6).",
    basis="GDPR Art. 6(1)(b): performance of the contract of employment, with the national rules "
    "under Art. 88",
    recipients=(CLEAR_READERS, AUDITORS),
)

COMPETENCE = Activity(
    name="Monitoring competence",
    purpose="To monitor the competence of those who measure and the validity of results "
    "(ISO/IEC 17025:2017, 6.2.5 f and 7.7).",
    basis="GDPR Art. 6(1)(f): the laboratory's legitimate interest in valid results, with the "
    "national rules under Art. 88",
    recipients=(LABORATORY, AUDITORS),
)

TRAIL = Activity(
    name="Audit trail",
    purpose="To show who changed which record, when and why, and that nothing was changed besides "
    "(ISO/IEC 17025:2017, 7.5.2 and 7.11.3; 21 CFR 11.10(e) where it applies).",
    basis="GDPR Art. 6(1)(f): the laboratory's legitimate interest in evidence and security, with "
    "Art. 5(1)(f) and 32; Art. 6(1)(c) where Union or Member State law demands the trail",
    recipients=(AUDITORS, OFFICERS),
)

SIGN_IN = Activity(
    name="Accounts and sign-in",
    purpose="To let in those who may, to keep out those who may not, and to notice attacks.",
    basis="GDPR Art. 6(1)(f): the legitimate interest in security (Recital 49), with Art. 32(1)(b)",
    recipients=(ADMINISTRATORS,),
)

OPERATION = Activity(
    name="Running the system",
    purpose="To find files, to run jobs, and to repair what fails.",
    basis="GDPR Art. 6(1)(f): the legitimate interest in a system that works",
    recipients=(LABORATORY, ADMINISTRATORS),
)

VAULT = Activity(
    name="Pseudonyms and encryption",
    purpose="To keep names apart from records, encrypted with a key of each person's own, so that "
    "erasure reaches copies too.",
    basis="GDPR Art. 6(1)(c) with Art. 25(1) and 32(1)(a): the duty to protect personal data",
    recipients=(OFFICERS,),
)

RIGHTS = Activity(
    name="Answering people's requests",
    purpose="To answer requests in time, to keep to restrictions and legal holds, and to show it.",
    basis="GDPR Art. 6(1)(c) with Art. 5(2) and 12 to 21: the duty to answer and to show it",
    recipients=(OFFICERS,),
)

ACTIVITIES = (TRACING, STAFF, COMPETENCE, TRAIL, SIGN_IN, OPERATION, VAULT, RIGHTS)
"""Every activity, in the order of the record."""

RIGHT_TO_ERASURE = "GDPR Art. 17(1)"

RESEARCH = (
    "GDPR Art. 17(3)(d) with Art. 89(1): needed for scientific and statistical purposes, and kept "
    "in a form that does not identify the person (Recital 26)"
)

TECHNICAL_RECORDS = (
    "GDPR Art. 17(3)(b), where Union or Member State law demands the technical records of "
    "ISO/IEC 17025:2017 (7.5.1 and 8.4), and Art. 17(3)(e), to establish or defend legal claims "
    "(21 CFR 11.10(e) where it applies); restricted as by Art. 18(2)"
)

ACCOUNTABILITY = (
    "GDPR Art. 17(3)(b) with Art. 5(2) and 12(3): the controller must be able to show how it "
    "answered, and Art. 17(3)(e); restricted as by Art. 18(2)"
)

FINDING_FILES = "GDPR Art. 17(3)(d) with Art. 89(1): without its path the file is lost to research"
