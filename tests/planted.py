"""Planted near-duplicates: groups that say the same in other words, and pairs that only seem to."""

from __future__ import annotations

Text = tuple[str, str]
"""`when_to_use` and `content` of an experience."""

GROUPS: tuple[tuple[Text, Text, Text], ...] = (
    (
        ("A ticket asks for a refund of a double payment", "Send the ticket to queue QX-417."),
        ("A ticket asks to refund a payment made twice", "Route the ticket to queue QX-417."),
        ("The ticket asks for a refund of a duplicate payment", "The ticket belongs in queue QX-417."),
    ),
    (
        ("A unit price is given per dozen", "Divide the price by 12 before comparing it."),
        ("The price of a unit is given per dozen", "Before you compare it, divide the price by 12."),
        ("When a unit price is stated per dozen", "Divide the price by twelve first, then compare it."),
    ),
    (
        ("The maze has a dead end", "Go back to the last junction and take the next exit."),
        ("A dead end is reached in the maze", "Return to the last junction and take the next exit."),
        ("A dead end of the maze is reached", "Go back to the last junction, then take the next exit."),
    ),
    (
        ("A customer wants to return opened software", "Never refund opened software."),
        ("The customer wants to return software that is opened", "Do not refund opened software."),
        ("A customer asks to return opened software", "Opened software must not be refunded."),
    ),
    (
        ("A date has to be written for an invoice", "Write the date as 2024-05-01, year first."),
        ("An invoice needs a date", "Write the date of the invoice with the year first, as 2024-05-01."),
        ("You write the date on an invoice", "Write the date with the year first, like 2024-05-01."),
    ),
    (
        (
            "A bar chart with a broken axis is shown",
            "Read the values from the labels, not from the bar heights.",
        ),
        ("The bar chart has a broken axis", "Do not read the values from the bar heights, read the labels."),
        ("A bar chart has an axis that is broken", "Take the values from the labels, not the bar heights."),
    ),
    (
        ("The VPN client disconnects at home", "Ask the user to install version v2.1 of the VPN client."),
        ("A VPN client disconnects when used at home", "Have the user install VPN client version v2.1."),
        (
            "The VPN client disconnects when at home",
            "Tell the user to install version v2.1 of the VPN client.",
        ),
    ),
    (
        ("A triangle is said to be isosceles", "Two of its angles are equal, so halve what is left of 180."),
        ("The triangle is isosceles", "Two angles are equal: halve what is left of 180 for each angle."),
        (
            "The text says the triangle is isosceles",
            "Two of the angles are equal; halve what is left of 180.",
        ),
    ),
    (
        ("A patient asks for the dose of syrup for a child", "Give 5 ml of syrup twice a day."),
        ("The dose of syrup for a child is asked", "Give the child 5 ml of syrup twice a day."),
        ("Someone asks for a child's dose of syrup", "The dose is 5 ml of syrup, twice a day."),
    ),
    (
        ("A SQL query is slow on a large table", "Add an index on the column in the WHERE clause."),
        ("The SQL query on a large table is slow", "Put an index on the column of the WHERE clause."),
        ("A slow SQL query reads a large table", "Create an index on the column used in the WHERE clause."),
    ),
    (
        (
            "A recipe asks for fresh yeast and there is only dry yeast",
            "Use a third of the weight in dry yeast.",
        ),
        (
            "The recipe wants fresh yeast but only dry yeast is there",
            "Take a third of the weight as dry yeast.",
        ),
        (
            "A recipe calls for fresh yeast and you only have dry yeast",
            "Use dry yeast, a third of the weight.",
        ),
    ),
    (
        ("A parcel is marked fragile", "Pack the fragile parcel in two layers of bubble wrap."),
        ("The parcel is marked as fragile", "Wrap the fragile parcel in two layers of bubble wrap."),
        ("A parcel carries the mark fragile", "Use 2 layers of bubble wrap for the fragile parcel."),
    ),
    (
        ("A train is late by more than an hour", "Offer the passenger a quarter of the fare back."),
        ("The train is more than an hour late", "Offer the passenger back a quarter of the fare."),
        ("A passenger's train is over an hour late", "Offer a quarter of the fare back to the passenger."),
    ),
    (
        ("A word problem mixes miles and kilometres", "Convert miles to kilometres with the factor 1.609."),
        (
            "Miles and kilometres are mixed in a word problem",
            "Convert the miles to kilometres, factor 1.609.",
        ),
        ("The word problem mixes kilometres and miles", "Multiply by 1.609 to convert miles to kilometres."),
    ),
    (
        ("A plant has yellow leaves", "Water the plant less and move it to a brighter window."),
        ("The leaves of the plant are yellow", "Water the plant less, and put it at a brighter window."),
        (
            "The plant has leaves that turn yellow",
            "Give the plant less water and move it to a brighter window.",
        ),
    ),
    (
        ("A contract has no date of signature", "Do not file the contract without a date of signature."),
        ("The contract has no signature date", "Do not file a contract without a date of signature."),
        ("There is no date of signature in a contract", "File the contract only with a date of signature."),
    ),
    (
        (
            "A shape puzzle shows a sequence of rotations",
            "Each shape turns 90 degrees clockwise from the one before.",
        ),
        (
            "A puzzle shows a sequence of rotating shapes",
            "Each shape is turned 90 degrees clockwise from the one before.",
        ),
        (
            "The puzzle is a sequence of shapes in rotation",
            "Every shape turns 90 degrees clockwise from the one before.",
        ),
    ),
    (
        (
            "The guest asks for a late checkout",
            "A late checkout is free until 14:00, so say yes to the guest.",
        ),
        ("A guest wants a late checkout", "Say yes to the guest: a late checkout is free until 14:00."),
        ("A hotel guest asks for late checkout", "Say yes, late checkout is free for the guest until 14:00."),
    ),
    (
        (
            "Two teams have booked the same meeting room",
            "The team that booked the meeting room first keeps it.",
        ),
        (
            "A meeting room has been booked by two teams",
            "The meeting room is kept by the team that booked it first.",
        ),
        (
            "The meeting room is booked by two teams",
            "The team that was first to book the meeting room keeps it.",
        ),
    ),
    (
        ("A student asks how to round a half", "Round a half to the even neighbour."),
        ("A student asks how a half is rounded", "Round the half to the even neighbour."),
        ("The student asks how to round a half", "A half is rounded to the even neighbour."),
    ),
)

CONFLICTS: tuple[tuple[Text, Text], ...] = (
    (
        ("A ticket asks for a refund", "Send it to queue QX-417."),
        ("A ticket asks for a refund", "Send it to queue QX-471."),
    ),
    (
        ("A visitor lost a badge", "Route to queue ZV-217."),
        ("A visitor lost a badge", "Route to queue ZW-217."),
    ),
    (
        ("A customer returns shoes", "Accept the return within 30 days."),
        ("A customer returns shoes", "Accept the return within 14 days."),
    ),
    (
        ("A request times out", "Wait 10 seconds and send the request again."),
        ("A request times out", "Wait 10 minutes and send the request again."),
    ),
    (
        ("A price is given without tax", "Add 19% tax to the price."),
        ("A price is given without tax", "Add 7% tax to the price."),
    ),
    (
        ("A user asks for the stable client", "Install client version v2.1 for the user."),
        ("A user asks for the stable client", "Install client version v2.11 for the user."),
    ),
    (
        ("The fiscal year has to be closed", "Close the books on 2024-03-31."),
        ("The fiscal year has to be closed", "Close the books on 2024-12-31."),
    ),
    (
        ("A report is handed to the auditors", "Export the report as PDF."),
        ("A report is handed to the auditors", "Export the report as CSV."),
    ),
    (
        ("A deployment is planned for the week", "Deploy on Tuesday."),
        ("A deployment is planned for the week", "Deploy on Friday."),
    ),
    (
        ("A machine part is measured", "Report the length to three decimals."),
        ("A machine part is measured", "Report the length to two decimals."),
    ),
    (
        ("A caller wants to know the balance", "Always tell the balance on the phone."),
        ("A caller wants to know the balance", "Never tell the balance on the phone."),
    ),
    (
        ("The door alarm rings at night", "You must open the door."),
        ("The door alarm rings at night", "You must not open the door."),
    ),
    (
        ("The sum of two odd numbers is asked", "The sum is even."),
        ("The sum of two odd numbers is asked", "The sum isn't even."),
    ),
    (
        ("A patient takes the tablet", "Take the tablet before the meal."),
        ("A patient takes the tablet", "Take the tablet after the meal."),
    ),
    (
        ("The battery is being charged", "Switch the device off while it charges."),
        ("The battery is being charged", "Switch the device on while it charges."),
    ),
    (
        ("A form is filled in by a bot", "Enable the captcha on the form."),
        ("A form is filled in by a bot", "Disable the captcha on the form."),
    ),
    (
        ("The pressure in the boiler rises", "Increase the flow of water to the boiler."),
        ("The pressure in the boiler rises", "Decrease the flow of water to the boiler."),
    ),
    (
        ("A guest wants to bring a dog", "Allow the dog in the dining room."),
        ("A guest wants to bring a dog", "Forbid the dog in the dining room."),
    ),
    (
        ("The maze forks", "Take the left corridor."),
        ("The maze forks", "Take the right corridor."),
    ),
    (
        ("A sensor reports the temperature", "Raise an alarm when it is above the threshold."),
        ("A sensor reports the temperature", "Raise an alarm when it is below the threshold."),
    ),
    (
        ("A price limit is set for an order", "Use the minimum of the two offers."),
        ("A price limit is set for an order", "Use the maximum of the two offers."),
    ),
    (
        ("The flag of the job is read", "Run the job when the flag is true."),
        ("The flag of the job is read", "Run the job when the flag is false."),
    ),
    (
        ("A file has to be overwritten", "Call the tool with `--force`."),
        ("A file has to be overwritten", "Call the tool with `--dry-run`."),
    ),
    (
        ("A shipment leaves the country", "Ship it with a customs form."),
        ("A shipment leaves the country", "Ship it without a customs form."),
    ),
)
