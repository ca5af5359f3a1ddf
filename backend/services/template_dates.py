"""The names of months and days in the languages that `date` can tell them in; English in all others.

Months as they stand beside a day: `9 marca`, not `marzec`.
"""

from datetime import datetime
from typing import Final

_NAMES: Final = {
    "en": "January February March April May June July August September October November December,"
    "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember,"
    "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre,"
    "lundi mardi mercredi jeudi vendredi samedi dimanche",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre,"
    "lunes martes miércoles jueves viernes sábado domingo",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre,"
    "lunedì martedì mercoledì giovedì venerdì sabato domenica",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro,"
    "segunda-feira terça-feira quarta-feira quinta-feira sexta-feira sábado domingo",
    "nl": "januari februari maart april mei juni juli augustus september oktober november december,"
    "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag",
    "pl": "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia,"
    "poniedziałek wtorek środa czwartek piątek sobota niedziela",
    "cs": "ledna února března dubna května června července srpna září října listopadu prosince,"
    "pondělí úterý středa čtvrtek pátek sobota neděle",
    "uk": "січня лютого березня квітня травня червня липня серпня вересня жовтня листопада грудня,"
    "понеділок вівторок середа четвер п’ятниця субота неділя",
    "ru": "января февраля марта апреля мая июня июля августа сентября октября ноября декабря,"
    "понедельник вторник среда четверг пятница суббота воскресенье",
    "sv": "januari februari mars april maj juni juli augusti september oktober november december,"
    "måndag tisdag onsdag torsdag fredag lördag söndag",
    "da": "januar februar marts april maj juni juli august september oktober november december,"
    "mandag tirsdag onsdag torsdag fredag lørdag søndag",
    "nb": "januar februar mars april mai juni juli august september oktober november desember,"
    "mandag tirsdag onsdag torsdag fredag lørdag søndag",
    "tr": "Ocak Şubat Mart Nisan Mayıs Haziran Temmuz Ağustos Eylül Ekim Kasım Aralık,"
    "Pazartesi Salı Çarşamba Perşembe Cuma Cumartesi Pazar",
}
_SPLIT: Final = {language: tuple(part.split() for part in both.split(",")) for language, both in _NAMES.items()}
LANGUAGES: Final = tuple(_SPLIT)
_SHORT: Final = 3


def month(moment: datetime, language: str) -> str:
    """`March`; in Polish `marca`."""
    return _SPLIT.get(language, _SPLIT["en"])[0][moment.month - 1]


def day(moment: datetime, language: str) -> str:
    """`Monday`."""
    return _SPLIT.get(language, _SPLIT["en"])[1][moment.weekday()]


def shortened(name: str) -> str:
    """Its first three letters."""
    return name[:_SHORT]
