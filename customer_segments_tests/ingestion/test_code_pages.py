"""Text in other code pages than UTF-8 comes out in its own letters, or is doubted."""

import pytest

from customer_segments.ingestion.files.alphabets import likeliest
from customer_segments_tests.ingestion.taken import take

WORDS = {
    "cp1252": "Zoë René Müller François Núñez Søren Åsa João Héloïse Bjørn Straße Cœur 5° £5 m²",
    "mac_roman": "Müller Größe Häuser Jürgen",
    "cp1250": "Dvořák Růžička Němec Žáková",
    "iso8859_2": "Łukasz Wiśniewski Dąbrowska Źródło",
    "cp852": "Łukasz Wiśniewski Dąbrowska Źródło",
    "cp1254": "Çağlar Şahin İbrahim Işık Öztürk",  # noqa: RUF001 - Turkish
    "iso8859_9": "Çağlar Şahin İbrahim Işık Öztürk",  # noqa: RUF001 - Turkish
    "cp1257": "Žukauskas Jūratė Kazlauskaitė",
    "cp1251": "Иванов Пётр Смирнова",
    "koi8_r": "Иванов Пётр Смирнова",
    "cp1253": "Παπάς Νικολάου Γιώργος",
    "cp1255": "משה כהן ירושלים",
    "cp1256": "محمد علي القاهرة",
    "cp874": "สมชาย กรุงเทพ",
    "cp932": "鈴木花子 東京都 ご注文 田中太郎",
}


@pytest.mark.parametrize(("page", "words"), [*WORDS.items(), ("cp1250", "Győző Szűcs Tóth Ödön")])
def test_letters_tell_the_code_page(page, words):
    text = words.encode(page)
    assert text.decode(likeliest(text).name) == words


@pytest.mark.parametrize(
    ("page", "date"),
    [("cp932", "2024年3月11日"), ("gb18030", "2024年12月1日"), ("euc_kr", "2024년 3월 11일")],
)
def test_dates_alone_tell_the_code_pages_of_east_asia(page, date):
    text = f"20001,{date},5".encode(page)
    assert text.decode(likeliest(text).name) == f"20001,{date},5"


@pytest.mark.parametrize(
    ("page", "words", "other", "stops"),
    [
        ("cp1252", "Müller Straße Café", "", False),
        ("cp1252", "Muñoz", "cp1250", False),
        ("cp1250", "Čapek", "cp1250", False),
        ("cp1258", "Nguyên Hoàng Trân Phúc Ðào Đă¬ Lư Hơn Tư Mư Sư", "cp1252", True),
    ],
)
def test_a_code_page_that_is_open_is_doubted(tmp_path, page, words, other, stops):
    lines = "".join(f"{word},2024-05-31,5\n" for word in words.split())
    (tmp_path / "a.csv").write_bytes(f"Customer,Date,Price\n{lines}".encode(page, "replace"))
    doubts = [each for each in take(tmp_path / "a.csv").doubts if each.name == "wrong_code_page"]
    assert [each.level == "stops" for each in doubts] == ([stops] if other else [])
    assert all("encoding = " in each.advice for each in doubts)
    assert not doubts or stops or f'"{other}"' in doubts[0].advice
    said = take(tmp_path / "a.csv", encoding=page)
    assert [each for each in said.doubts if each.name == "wrong_code_page"] == []
