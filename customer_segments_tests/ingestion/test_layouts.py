"""Known exports end in the right columns by their headings; what ``[[layout]]`` says decides."""

import gzip
from datetime import date
from decimal import Decimal
from pathlib import Path

import ibis
import pytest

from customer_segments.errors import UserError
from customer_segments.ingestion.columns.layout import (
    header_of,
    layout_of,
    match_header,
    require_columns,
)
from customer_segments.ingestion.files.sources import fingerprinted
from customer_segments.ingestion.intake import taken_in
from customer_segments.policy import Policy
from customer_segments.policy.layout import Layout
from customer_segments_tests.ingestion.taken import take
from customer_segments_tests.ingestion.workbooks import HEADER, line, write

# Headings of real exports, of those columns alone that matter or mislead, and where each is found.
EXPORTS = {
    "shopify orders": (
        "Name,Email,Financial Status,Paid at,Currency,Subtotal,Total,Discount Amount,Created at,"
        "Lineitem quantity,Lineitem name,Lineitem price,Lineitem compare at price,Lineitem sku,"
        "Billing Name,Billing Country,Shipping Country,Id,Lineitem discount,Receipt Number",
        {
            "invoice": "Name",
            "customer_id": "Email",
            "invoice_date": "Created at",
            "price": "Lineitem price",
            "quantity": "Lineitem quantity",
            "stock_code": "Lineitem sku",
            "country": "Billing Country",
            "status": "Financial Status",
        },
    ),
    "woocommerce order export": (
        "Order Number,Order Status,Order Date,Email (Billing),Country Code (Billing),SKU,Item #,"
        "Item Name,Quantity (- Refund),Item Cost,Order Total Amount,Discount Amount",
        {
            "invoice": "Order Number",
            "invoice_date": "Order Date",
            "customer_id": "Email (Billing)",
            "stock_code": "SKU",
            "quantity": "Quantity (- Refund)",
            "price": "Item Cost",
        },
    ),
    "woocommerce analytics": (
        "Date,Order #,N. Revenue (formatted),Status,Customer,Customer type,Items sold,N. Revenue",
        {"invoice": "Order #", "amount": "N. Revenue", "customer_id": "Customer"},
    ),
    "square items": (
        "Date,Time,Time Zone,Category,Item,Qty,SKU,Gross Sales,Discounts,Net Sales,Tax,"
        "Transaction ID,Payment ID,Event Type,Customer ID,Customer Name,Count",
        {
            "invoice": "Transaction ID",
            "invoice_date": "Date",
            "time": "Time",
            "amount": "Net Sales",
            "quantity": "Qty",
            "customer_id": "Customer ID",
        },
    ),
    "amazon all orders": (
        "amazon-order-id,merchant-order-id,purchase-date,last-updated-date,order-status,"
        "product-name,sku,asin,quantity,currency,item-price,item-tax,ship-country,buyer-email",
        {
            "invoice": "amazon-order-id",
            "invoice_date": "purchase-date",
            "amount": "item-price",
            "stock_code": "sku",
            "country": "ship-country",
        },
    ),
    "amazon order report": (
        "order-id,order-item-id,purchase-date,payments-date,buyer-email,sku,product-name,"
        "quantity-purchased,currency,item-price,item-tax,shipping-price",
        {"invoice": "order-id", "amount": "item-price", "quantity": "quantity-purchased"},
    ),
    "navision": (
        "Belegnr.,Buchungsdatum,Verk. an Deb.-Nr.,Artikelnr.,Menge,VK-Preis,Zeilenbetrag",
        {"customer_id": "Verk. an Deb.-Nr.", "invoice": "Belegnr.", "price": "VK-Preis"},
    ),
    "sap": (
        "Fakturanummer,Fakturadatum,Kunde,Material,Fakturierte Menge,Nettowert",
        {"invoice_date": "Fakturadatum", "quantity": "Fakturierte Menge", "amount": "Nettowert"},
    ),
    "polish": (
        "Nr faktury,Data sprzedaży,Kod klienta,Kod towaru,Ilość,Cena netto,Wartość netto",
        {"customer_id": "Kod klienta", "invoice": "Nr faktury", "price": "Cena netto"},
    ),
    "turkish": (
        "Fatura No,Tarih,Müşteri No,Ürün Kodu,Miktar,Birim Fiyat,Tutar",
        {"customer_id": "Müşteri No", "invoice": "Fatura No", "price": "Birim Fiyat"},
    ),
    "japanese": (
        "注文番号,注文日,顧客ID,商品コード,数量,単価,金額",
        {"customer_id": "顧客ID", "invoice_date": "注文日", "price": "単価"},
    ),
    "lightspeed x": (
        "Date,Receipt Number,Line Type,Customer Code,Customer Name,Quantity,Subtotal,Sales Tax,"
        "Discount,Loyalty,Total,Paid,Details,Register,User,Status,Sku",
        {
            "invoice": "Receipt Number",
            "customer_id": "Customer Code",
            "amount": "Total",
            "status": "Line Type",
            "stock_code": "Sku",
        },
    ),
    "odoo sales": (
        "Order Reference,Customer,Order Date,Order Lines/Product,Order Lines/Quantity,"
        "Order Lines/Unit Price,Order Lines/Subtotal,Total",
        {
            "invoice": "Order Reference",
            "customer_id": "Customer",
            "quantity": "Order Lines/Quantity",
            "price": "Order Lines/Unit Price",
            "stock_code": "Order Lines/Product",
        },
    ),
    "stripe payments": (
        "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Converted Amount,"
        "Description,Fee,Status,Customer ID,Customer Email,Card ID,Invoice ID",
        {
            "invoice": "id",
            "invoice_date": "Created date (UTC)",
            "amount": "Amount",
            "customer_id": "Customer ID",
            "currency": "Currency",
        },
    ),
    "superstore": (
        "Row ID,Order ID,Order Date,Ship Date,Customer ID,Customer Name,Country,Product ID,"
        "Product Name,Sales,Quantity,Discount,Profit",
        {
            "invoice": "Order ID",
            "invoice_date": "Order Date",
            "customer_id": "Customer ID",
            "amount": "Sales",
            "quantity": "Quantity",
        },
    ),
    "etsy": (
        "Sale Date,Item Name,Buyer,Quantity,Price,Discount Amount,Item Total,Currency,"
        "Transaction ID,Date Paid,Ship Country,Order ID,SKU",
        {"invoice_date": "Sale Date", "customer_id": "Buyer", "price": "Price"},
    ),
    "ebay": (
        "Sales Record Number,Order Number,Buyer Username,Buyer Name,Buyer Email,Item Number,"
        "Item Title,Custom Label,Quantity,Sold For,Total Price,Sale Date,Paid On Date",
        {
            "invoice": "Order Number",
            "customer_id": "Buyer Username",
            "price": "Sold For",
            "invoice_date": "Sale Date",
        },
    ),
    "prestashop": (
        "id_order,reference,date_add,id_customer,product_reference,product_quantity,"
        "unit_price_tax_incl",
        {
            "invoice": "id_order",
            "invoice_date": "date_add",
            "customer_id": "id_customer",
            "price": "unit_price_tax_incl",
        },
    ),
    "xero": (
        "ContactName,EmailAddress,InvoiceNumber,InvoiceDate,Total,InventoryItemCode,Description,"
        "Quantity,UnitAmount,LineAmount,Currency,Type,Status",
        {"customer_id": "ContactName", "price": "UnitAmount", "status": "Type"},
    ),
    "tally": (
        "Date,Particulars,Voucher Type,Voucher No.,Quantity,Rate,Value",
        {"customer_id": "Particulars", "invoice": "Voucher No.", "price": "Rate"},
    ),
    "navision lines": (
        "Document No.,Line No.,Posting Date,Sell-to Customer No.,Type,No.,Description,Quantity,"
        "Unit Price Excl. VAT,Line Amount Excl. VAT",
        {
            "invoice": "Document No.",
            "stock_code": "No.",
            "customer_id": "Sell-to Customer No.",
            "line_total": "Line Amount Excl. VAT",
        },
    ),
    "magento": (
        "ID,Purchase Point,Purchase Date,Bill-to Name,Grand Total (Base),Grand Total (Purchased),"
        "Status,Customer Email",
        {"invoice": "ID", "customer_id": "Customer Email", "amount": "Grand Total (Base)"},
    ),
    "mercado libre": (
        "# de venta,Fecha de venta,Estado,Unidades,Total (MXN),SKU,"
        "Precio unitario de venta de la publicación (MXN),Comprador",
        {"invoice": "# de venta", "customer_id": "Comprador"},
    ),
    "tripletex": (
        "Ordrenummer,Ordredato,Kundenummer,Produktnavn,Antall,Enhetspris eks. mva,Mva",
        {"price": "Enhetspris eks. mva"},
    ),
    "sage france": (
        "N° pièce,Date pièce,Code tiers,Intitulé tiers,Qté,P.U. HT",
        {"invoice": "N° pièce", "invoice_date": "Date pièce", "customer_id": "Code tiers"},
    ),
    "subiekt": (
        "Numer,Data wystawienia,Kontrahent,Symbol,Nazwa,Ilość,Cena netto",
        {"invoice": "Numer", "stock_code": "Symbol", "description": "Nazwa"},
    ),
    "german": (
        "Beleg-Nr.,Beleg-Datum,Kunden-Nr.,Firma,Artikel-Nr.,Bezeichnung,Menge,E-Preis,Gesamt",
        {
            "invoice": "Beleg-Nr.",
            "invoice_date": "Beleg-Datum",
            "customer_id": "Kunden-Nr.",
            "stock_code": "Artikel-Nr.",
            "price": "E-Preis",
        },
    ),
    "french": (
        "N° de commande,Référence,Désignation,Quantité,Date de la commande,Prix unitaire TTC,"
        "N° client,Pays",
        {
            "invoice": "N° de commande",
            "invoice_date": "Date de la commande",
            "price": "Prix unitaire TTC",
            "customer_id": "N° client",
        },
    ),
    "spanish": (
        "Nº de pedido,Código de artículo,Uds.,Fecha del pedido,Precio unitario,Nº de cliente",
        {"invoice": "Nº de pedido", "quantity": "Uds.", "customer_id": "Nº de cliente"},
    ),
    "italian": (
        "Scontrino,Codice,Prodotto,Q.tà,Data dell'ordine,Prezzo,Codice cliente,Nazione",
        {"invoice": "Scontrino", "quantity": "Q.tà", "invoice_date": "Data dell'ordine"},
    ),
    "portuguese": (
        "Nº da encomenda,Referência,Quantidade,Data da venda,Preço unitário,Nº de cliente,País",
        {"invoice": "Nº da encomenda", "invoice_date": "Data da venda"},
    ),
    "letters lost": (
        "N\ufffd facture,R?f?rence,Quantit,Date,Prix unitaire,NÂ° client",
        {"invoice": "N\ufffd facture", "quantity": "Quantit", "customer_id": "NÂ° client"},
    ),
    "dutch": (
        "Bonnr.,Artikelcode,Aantal stuks,Verkoopdatum,Stuksprijs,Klantcode,Land",
        {"invoice": "Bonnr.", "quantity": "Aantal stuks", "price": "Stuksprijs"},
    ),
}


@pytest.mark.parametrize("name", EXPORTS)
def test_columns_of_a_known_export(name):
    headings, said = EXPORTS[name]
    found = header_of(headings.split(","), Layout(), name).headings
    assert {column: found.get(column) for column in said} == said
    if "price" in said:
        assert "amount" not in found


def test_odoo_and_shopify_are_filled_down_and_others_are_not():
    for name, (headings, _) in EXPORTS.items():
        found = header_of(headings.split(","), Layout(), name)
        assert found.is_filled_down == name.startswith(("odoo", "shopify")), name


@pytest.mark.parametrize(
    ("heading", "other"),
    [
        ("customer_id", "ID Customer"),
        ("Customer No.", "CUSTOMER NUMBER"),
        ("Kundennr.", "Kunden-Nummer"),
        ("Código de cliente", "codigo cliente"),
        ("Customer #", "Customer No"),
        ("Sales[Customer ID]", "o.customer_id"),
        ("dim_customer_id", "lngCustomerID"),
    ],
)
def test_headings_that_are_alike(heading, other):
    for name in (heading, other):
        assert header_of([name, "Date", "Price EUR"], Layout(), "a").headings == {
            "customer_id": name,
            "invoice_date": "Date",
            "price": "Price EUR",
        }


def test_what_is_missing_is_named_with_a_setting_that_names_it():
    error = missing(["Who", "When", "Price"])
    assert "the customer and the date" in error.problem
    said = 'columns = { customer_id = "its heading", invoice_date = "its heading" }'
    assert said in error.remedy
    row = ["a@x.org", "3.5.2024 9:44", "2.50"]
    error = require_columns([["Who", "When", "Price"], row, row], Layout(), "a")
    assert 'columns = { customer_id = "Who", invoice_date = "When" }, if' in error.remedy
    error = require_columns([["Who", "When" * 99, "Price"], row, row], Layout(), "a")
    assert 'columns = { customer_id = "Who", invoice_date = "its heading" }, if' in error.remedy
    error = missing(["inv_no", "cust_cd", "sale_time", "List prc", "unit_prc_amt"])
    assert 'customer_id = "cust_cd", invoice_date = "sale_time", price = "unit' in error.remedy
    assert "quotation marks as a whole" in missing(["Customer,Date,Price"]).remedy
    assert 'separator = "^"' in missing(["Customer^Date^Price"]).remedy


def missing(names: list[str]) -> UserError:
    try:
        header_of(names, Layout(), "a")
    except UserError as error:
        return error
    raise AssertionError(names)


# --- What [[layout]] says ------------------------------------------------------------------------


def taken(folder: Path, name: str, text: str | bytes, **layout) -> list[dict]:
    """Return the typed rows of a file, read by one layout."""
    (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
    return rows_of(folder, name, **layout)


def rows_of(folder: Path, name: str, **layout) -> list[dict]:
    policy = Policy(source={"time_zone": "UTC"}, layout=[layout])
    con = ibis.duckdb.connect()
    with taken_in(fingerprinted([folder / name]), policy) as intake:
        rows = intake.load(con).order_by("sheet", "row_number")
        return con.to_pyarrow(rows).to_pylist()


LOG = "Customer,Date,Price\n7,2024-05-31,2.50\n8,2024-05-30,1.50\n"


def test_columns_names_the_heading_and_an_empty_one_that_there_is_none(tmp_path):
    text = "Customer,Member,Date,Price,Country\n7,m7,2024-05-31,2.50,France\n"
    said = {"customer_id": "Member", "country": ""}
    (row,) = taken(tmp_path, "a.csv", text, columns=said)
    assert (row["customer_id"], row["country"]) == ("m7", None)


def test_columns_tells_apart_what_stands_in_brackets():
    names = ["Customer", "Date", "Total (Base)", "Total (Purchased)"]
    with pytest.raises(UserError, match="amount stands there 2 times"):
        header_of(names, Layout(), "a")
    said = Layout(columns={"amount": "Total (Purchased)"})
    assert header_of(names, said, "a").headings["amount"] == "Total (Purchased)"


def test_files_names_those_that_a_layout_is_for():
    layouts = [Layout(files="till-*.csv", decimal=","), Layout(decimal=".")]
    assert [layout_of(layouts, name).decimal for name in ("Till-3.csv", "shop.csv")] == [",", "."]


def test_header_row(tmp_path):
    text = "Customer,Date,Price\nold,2020-01-01,1\nCustomer,Date,Price\n7,2024-05-31,2.50\n"
    assert len(taken(tmp_path, "a.csv", text)) == 3
    assert [row["customer_id"] for row in taken(tmp_path, "a.csv", text, header_row=3)] == ["7"]
    with pytest.raises(UserError, match="no row 9"):
        match_header([["Customer"]], Layout(header_row=9), "a")


def test_separator(tmp_path):
    text = LOG.replace(",", "^")
    assert len(taken(tmp_path, "a.csv", text, separator="^")) == 2


def test_encoding(tmp_path):
    text = LOG.replace("7", "Łódź").encode("cp1250")
    assert taken(tmp_path, "a.csv", text, encoding="cp1250")[0]["customer_id"] == "Łódź"


@pytest.mark.parametrize(
    ("page", "headings"),
    [
        ("cp1250", "Kontrahent;Data sprzedaży;Ilość;Cena;Łódź"),
        ("cp1254", "Müşteri No;Tarih;Miktar;Birim Fiyat;Ürün"),
    ],
)
def test_headings_tell_the_code_page(tmp_path, page, headings):
    text = f"{headings}\n7;2024-05-31;3;2,50;blue mug\n".encode(page)
    row = taken(tmp_path, "a.csv", text)[0]
    assert (row["customer_id"], row["quantity"], row["price"]) == ("7", 3, Decimal("2.5"))


def test_what_stands_between_letters_tells_the_code_page(tmp_path):
    lines = "".join(f"Ines Novak Müller,2024-05-31,{n},Tea tin\n" for n in range(10, 90))
    text = f"Customer,Date,Price,Product\n{lines}".encode("cp1252")
    assert taken(tmp_path, "a.csv", text)[0]["customer_id"] == "Ines Novak Müller"


def test_a_euro_beside_a_number_tells_the_code_page(tmp_path):
    lines = "".join(f"Café {n},2024-05-31,{n},50 €\n" for n in range(10, 90))
    text = f"Customer,Date,Quantity,Price\n{lines}".encode("cp1252")
    row = taken(tmp_path, "a.csv", text)[0]
    assert (row["customer_id"], row["price"]) == ("Café 10", 50)


@pytest.mark.parametrize(
    ("dates", "day"),
    [("dmy", date(2003, 2, 1)), ("mdy", date(2003, 1, 2)), ("ymd", date(2001, 2, 3))],
)
def test_dates(tmp_path, dates, day):
    text = LOG.replace("2024-05-31", "01-02-03").replace("2024-05-30", "01-02-03")
    assert taken(tmp_path, "a.csv", text, dates=dates)[0]["invoice_date"].date() == day


@pytest.mark.parametrize(("decimal", "price"), [(".", "1.25"), (",", "1250")])
def test_decimal(tmp_path, decimal, price):
    text = LOG.replace("2.50", "1.250").replace("1.50", "3.750")
    assert taken(tmp_path, "a.csv", text, decimal=decimal)[0]["price"] == Decimal(price)


def test_time_zone_is_that_of_times_that_bear_none(tmp_path):
    text = LOG.replace("05-31", "05-31 23:30").replace("05-30", "05-30 23:30")
    row = taken(tmp_path, "a.csv", text, time_zone="America/New_York")[0]
    assert f"{row['invoice_date']:%d %H:%M}" == "01 03:30"


def test_fill_down(tmp_path):
    text = "Invoice,Customer,Date,Price\n1,7,2024-05-31,2.50\n,,,1.50\n2,8,2024-05-31,3.00\n"
    rows = taken(tmp_path, "a.csv", text, fill_down=True)
    assert [row["customer_id"] for row in rows] == ["7", "7", "8"]


@pytest.mark.parametrize(
    ("discount", "price"), [("rate", "6"), ("percent", "9.96"), ("amount", "9.9")]
)
def test_discount(tmp_path, discount, price):
    text = "Customer,Date,Quantity,Price,Discount\n7,2024-05-31,4,10,0.4\n"
    for cell in ("0.4", "-0.4"):
        (row,) = taken(tmp_path, "a.csv", text.replace("0.4", cell), discount=discount)
        assert row["price"] == Decimal(price)


def test_a_line_may_say_that_it_has_no_discount_and_none_is_of_more_than_all(tmp_path):
    cells = ["", "n/a", "-", "0.4", "10", "ask"]
    rows = "".join(f"7,2024-05-31,4,10,{cell}\n" for cell in cells)
    text = f"Customer,Date,Quantity,Price,Discount\n{rows}"
    assert [row["price"] for row in taken(tmp_path, "a.csv", text)] == [10] * 6
    by_rate = taken(tmp_path, "a.csv", text, discount="rate")
    assert [row["price"] for row in by_rate[:4]] == [10, 10, 10, 6]
    assert [(row["unreadable_column"], row["unreadable_text"]) for row in by_rate] == [
        *[(None, None)] * 4,
        *(("discount", cell) for cell in ("10", "ask")),
    ]
    text = text.replace("ask", "101")
    row = taken(tmp_path, "a.csv", text, discount="percent")[-1]
    assert (row["unreadable_column"], row["unreadable_text"]) == ("discount", "101")


def test_a_group_above_tells_headings_apart_that_are_alike(tmp_path):
    text = "Order,,Customer,,Qty,Price\nNumber,Date,Number,Name,,\n7,2024-05-31,12,Ann,4,10\n"
    row = taken(tmp_path, "a.csv", text)[0]
    assert [row[name] for name in ("invoice", "customer_id", "quantity")] == ["7", "12", 4]


@pytest.mark.parametrize(
    ("above", "customer"),
    [("Order,,Customer,Goods,", "12"), ("Sales of,May,,,", None), ("Sales,,,,", None)],
)
def test_a_group_above_says_whose_id_it_is(tmp_path, above, customer):
    text = f"{above}\nNo,Date,ID,Qty,Price\n7,2024-05-31,12,4,10\n"
    if customer:
        assert taken(tmp_path, "a.csv", text)[0]["customer_id"] == customer
    else:
        with pytest.raises(UserError, match="no column was found for the customer"):
            taken(tmp_path, "a.csv", text)


@pytest.mark.parametrize("name", ["a.csv", "a.xls"])
def test_a_file_is_what_is_in_it_whatever_it_is_called(tmp_path, name):
    text = b"Customer\tDate\tPrice\n7\t2024-05-31\t10\n"
    (tmp_path / name).write_bytes(gzip.compress(text) if name == "a.csv" else text)
    assert [row["price"] for row in rows_of(tmp_path, name)] == [10]


@pytest.mark.parametrize(
    ("headings", "said"),
    [
        ("settlement-id,amount-type,order-id,posted-date,amount", "settlement report"),
        ("Slip,Paid by,Customer,Item,Qty,Price", "no column was found for the date"),
    ],
)
def test_an_export_called_txt_that_has_no_sales_is_no_note(tmp_path, headings, said):
    (tmp_path / "a.txt").write_text(f"{headings}\n1,2,3,4,5,6\n")
    with pytest.raises(UserError, match=said):
        rows_of(tmp_path, "a.txt")


def test_status_is_under_the_heading_that_columns_names(tmp_path):
    text = "Customer,Date,Price,Kind\n7,2024-05-31,4,Refund\n"
    assert taken(tmp_path, "a.csv", text)[0]["status"] is None
    assert taken(tmp_path, "a.csv", text, columns={"status": "Kind"})[0]["status"] == "Refund"


def test_sheets(tmp_path):
    book = [[HEADER, line(Invoice=1)], [HEADER, line(Invoice=2)]]
    write(tmp_path / "a.xlsx", *book, names=("Orders", "Old"))
    assert [row["invoice"] for row in rows_of(tmp_path, "a.xlsx", sheets=["Old"])] == ["2"]


LINES = [line(Customer_ID=13000 + n) for n in range(25)]


@pytest.mark.parametrize(
    ("other", "doubted"),
    [
        (LINES, ["passed_over"]),
        ([[*HEADER[:6], "Of whom", HEADER[7]], *LINES], ["passed_over"]),
        (LINES[:5], []),
        ([["Made by the till", 2024], ["for", 13085]], []),
        ([["Product", "Name", "Weight"], *([n, "LAMP", 5] for n in range(25))], []),
    ],
)
def test_a_sheet_that_is_passed_over_beside_one_like_it_is_doubted(tmp_path, other, doubted):
    found = take(write(tmp_path / "a.xlsx", [HEADER, *LINES], other))
    assert len(found.rows) == len(LINES)
    assert found.passed_over == ["a.xlsx, sheet 'Sheet2': no transactions"]
    assert found.stopped == doubted


def test_a_column_that_may_be_missing_refuses_no_file_that_has_it_twice(tmp_path):
    text = "Order ID,Customer ID,Date,Sales,Estado,Estado\n1,7,2024-01-31,9.5,Pagado,Jalisco\n"
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    assert take(tmp_path / "a.csv").column("status") == [None]


@pytest.mark.parametrize(
    ("town", "status"), [("City", None), ("Warehouse", "Shipped")], ids=["address", "status"]
)
def test_a_state_beside_a_town_is_part_of_an_address(town, status, tmp_path):
    text = f"Order ID,Customer ID,Order Date,Sales,State,{town}\n1,7,2024-01-31,9.5,Shipped,Troy\n"
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    assert take(tmp_path / "a.csv").column("status") == [status]
