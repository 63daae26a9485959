"""Names to draw from: given names by language and sex, family names by where a family is from."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

GIVEN: Final = MappingProxyType(
    {
        ("en", "F"): (
            *("Amelia", "Aisha", "Alice", "Amy", "Beth", "Charlotte", "Chloe", "Daisy", "Ellie"),
            *("Emily", "Emma", "Evie", "Fatima", "Freya", "Grace", "Hannah", "Holly", "Imogen"),
            *("Isla", "Jasmine", "Joyce", "Karen", "Katie", "Laura", "Leah", "Lily", "Lucy"),
            *("Margaret", "Maya", "Mia", "Molly", "Niamh", "Nicola", "Olivia", "Patricia"),
            *("Poppy", "Priya", "Rachel", "Rosie", "Ruby", "Samantha", "Sarah", "Sofia", "Susan"),
            *("Tracey", "Wendy", "Yasmin", "Zara", "Zoe", "Helen"),
        ),
        ("en", "M"): (
            *("Aaron", "Adam", "Alfie", "Arthur", "Barry", "Ben", "Callum", "Charlie", "Connor"),
            *("Daniel", "David", "Dylan", "Edward", "Ethan", "Finn", "Freddie", "George", "Harry"),
            *("Hassan", "Henry", "Ibrahim", "Jack", "Jacob", "James", "Jamie", "Joe", "Joshua"),
            *("Keith", "Kevin", "Leo", "Liam", "Lucas", "Mark", "Mohammed", "Nathan", "Noah"),
            *("Oliver", "Oscar", "Paul", "Peter", "Ravi", "Ryan", "Sam", "Stephen", "Theo"),
            *("Thomas", "Tunde", "William", "Yusuf", "Zach"),
        ),
        ("cy", "F"): (
            *("Alys", "Angharad", "Anwen", "Bethan", "Branwen", "Bronwen", "Carys", "Catrin"),
            *("Ceri", "Dilys", "Efa", "Eirlys", "Elen", "Elin", "Eluned", "Erin", "Ffion"),
            *("Glenys", "Gwawr", "Gwen", "Gwenllian", "Haf", "Heledd", "Lleucu", "Llinos"),
            *("Lowri", "Mair", "Mali", "Manon", "Megan", "Menna", "Mererid", "Morfudd", "Myfanwy"),
            *("Nansi", "Nerys", "Nest", "Nia", "Non", "Olwen", "Rhian", "Rhiannon", "Sara"),
            *("Seren", "Sioned", "Siwan", "Tegwen", "Tesni"),
        ),
        ("cy", "M"): (
            *("Aled", "Alun", "Aneirin", "Bleddyn", "Bryn", "Cai", "Carwyn", "Dafydd", "Deiniol"),
            *("Dewi", "Dylan", "Eifion", "Elis", "Emrys", "Emyr", "Gareth", "Geraint", "Gethin"),
            *("Gruffudd", "Guto", "Gwilym", "Gwyn", "Hari", "Hefin", "Huw", "Hywel", "Idris"),
            *("Ifan", "Ioan", "Iolo", "Iwan", "Llew", "Llŷr", "Macsen", "Math", "Meilir", "Merfyn"),
            *("Osian", "Owain", "Rhodri", "Rhys", "Sion", "Steffan", "Tomos", "Tudur", "Wyn"),
        ),
    }
)

FAMILY: Final = MappingProxyType(
    {
        "en": (
            *("Adeyemi", "Ahmed", "Allen", "Bailey", "Baker", "Begum", "Bennett", "Brown"),
            *("Campbell", "Carter", "Chen", "Clark", "Collins", "Cooper", "Cox", "Devlin"),
            *("Edwards", "Fernandes", "Foster", "Fraser", "Ghosh", "Green", "Hall", "Hughes"),
            *("Hussain", "Jackson", "Kaur", "Kelly", "Khan", "Kowalski", "MacLeod", "Marshall"),
            *("Mensah", "Mitchell", "Murphy", "Murray", "Nowak", "O'Neill", "Okafor", "Patel"),
            *("Reid", "Richardson", "Robertson", "Shah", "Sharma", "Singh", "Smith", "Stewart"),
            *("Taylor", "Turner", "Walker", "Ward", "Watson", "White", "Wilson", "Wood", "Wright"),
        ),
        "cy": (
            *("ap Dafydd", "Bevan", "Bowen", "Davies", "Ellis", "Evans", "Gruffydd", "Gwynne"),
            *("Harries", "Hopkin", "Howells", "Hughes", "James", "Jenkins", "John", "Jones"),
            *("Lewis", "Llewellyn", "Lloyd", "Meredith", "Morgan", "Morris", "Owen", "Parry"),
            *("Penry", "Phillips", "Powell", "Price", "Pritchard", "Probert", "Prosser", "Pugh"),
            *("Rees", "Rhydderch", "Roberts", "Rowlands", "Thomas", "Tudor", "Vaughan", "Watkins"),
            *("Williams", "Wynne"),
        ),
    }
)
