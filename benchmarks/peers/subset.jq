# jq: variables keep each value computed once; $codes and $home are bound when the program is compiled.
def filled: if . == null or . == "" then empty else . end;
def spaced: map(filled) | join(" ");
def has($word): contains($word);

. as $order
| .customer.billingaddress as $billing
| ((.customer.deliveryaddress.country_code | filled) // $billing.country_code | ascii_upcase) as $country
| (.is_intra_community_order // false) as $is_icp
| (.total_tax == 0 and .total_price != 0 and ($is_icp | not) and $country != $home) as $is_international
| ($is_icp or $is_international) as $untaxed
| .order_row_taxes_included as $include
| (if $is_icp then $codes.icp elif $is_international then $codes.international else null end) as $common
| ((.paymethod // "") | ascii_upcase
    | if has("TRANSFER") or has("BANK") or has("INVOICE") or has("REKENING") then "banktransfer"
      elif has("IDEAL") then "ideal"
      elif has("PAYPAL") then "paypal"
      elif has("AFTERPAY") then "afterpay"
      elif has("MISTER") and has("CASH") then "mistercash"
      elif has("CREDIT") and has("CARD") then "creditcard"
      elif has("MAESTRO") or has("VISA") or has("MASTERCARD") then "creditcard"
      else "default" end) as $method
| [
    (.rows[]
      | . as $row
      | {
          kind: "revenue",
          account: "revenue",
          description: (if (.attributes | length) > 0
            then "\(.product_name // "") (\(.attributes | map([(.option_name | filled), (.value_name | filled)] | join(": ")) | map(filled) | join(", ")))"
            else .product_name // "" end),
          product_code: ((.sub_product_number | filled) // .product_number // ""),
          quantity: .count,
          vat_percent: (if .tax > 0 and .tax < 1 then .tax * 100 else .tax end),
          discount: (((.price_without_discount // .selling_price) - .selling_price) * .count),
          price: (if (.total_extra_option_price // 0) != 0 then .price_with_attributes // .selling_price else .selling_price end)
        }),
    (select((.total_shipping // 0) != 0)
      | {
          kind: "shipping",
          account: "shipping",
          description: "Shipping costs",
          product_code: "Shippingcosts",
          quantity: 1,
          vat_percent: (if $untaxed then 0 else .shipping_tax_percentage end),
          discount: 0,
          price: .total_shipping
        })
    | (1 + .vat_percent / 100) as $factor
    | (if $include then .price / $factor else .price end) as $unit_excl
    | (if $untaxed then $unit_excl elif $include then .price else .price * $factor end) as $unit_incl
    | (.discount | if $include then . / $factor else . end) as $discount_excl
    | (.discount | if $include then . else . * $factor end) as $discount_incl
    | .unit_excl = $unit_excl
    | .unit_incl = $unit_incl
    | .total_excl = $unit_excl * .quantity
    | .total_incl = $unit_incl * .quantity
    | .total_excl_before_discount = .total_excl + $discount_excl
    | .total_incl_before_discount = (if $untaxed then .total_excl_before_discount else .total_incl + $discount_incl end)
    | .vat_code = ($common // $codes[$country][.vat_percent | tostring])[.account]
    | del(.price)
  ] as $lines
| {
    number: .ordernumber_full,
    date: .create_date,
    paid,
    country: $country,
    is_icp: $is_icp,
    is_international: $is_international,
    payment_method: $method,
    rows_include_vat: $include,
    total_vat: .total_tax,
    total_incl: (if .taxes_included then .total_price else .total_price + .total_tax end),
    total_excl: (if .taxes_included then .total_price - .total_tax else .total_price end),
    customer: {
      first_name: ($billing.first_name // ""),
      last_name: ($billing.last_name // ""),
      company: ($billing.company // ""),
      phone: ($billing.telephone // ""),
      kvk: (.customer.kvk // ""),
      street: ($billing.street // ""),
      house_number: ([($billing.housenumber | values | tostring), $billing.housenumber_suffix] | spaced),
      zipcode: ($billing.zipcode // ""),
      city: ($billing.city // ""),
      country: (($billing.country_code | filled) // $country | ascii_upcase),
      vat_number: (.customer.btw // ""),
      email: ((.customer.email // "") | trim)
    },
    lines: $lines
  } as $document
| {
    document: $document,
    debtor: ($document.customer | {
      CompanyName: .company,
      Initials: .first_name,
      SurName: ((.last_name | filled) // "NN"),
      TaxNumber: .vat_number,
      CompanyNumber: .kvk,
      Address: ([.street, .house_number] | spaced),
      ZipCode: .zipcode,
      City: .city,
      Country: .country,
      EmailAddress: .email,
      PhoneNumber: .phone
    }),
    invoice: ($document | {
      VatCalcMethod: "incl",
      Debtor: "{debtor.Identifier}",
      Date: .date,
      Description: .number,
      Status: (if .paid then 4 else 2 end),
      PaymentMethod: (if .paid then {ideal: "ideal", paypal: "paypal", banktransfer: "wire"}[$method] // "other" else null end),
      ReferenceNumber: .number,
      UseProductInventory: "no",
      Comment: "{operation.token}",
      InvoiceLines: [.lines[] | {
        Number: .quantity,
        ProductCode: .product_code,
        Description: .description,
        PriceExcl: ((.unit_excl * 1000000 | round) / 1000000),
        TaxCode: .vat_code
      }]
    })
  }
