-- Bots kept a lead's number as it was typed, and a lead whose number is not in E.164 cannot be read. The usual signs between
-- digits go, with the zero in brackets that is not dialled from abroad; what is no number then is nobody's.
UPDATE leads SET phone = REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(
        phone, '(0)', ''), ' ', ''), ' ', ''), '(', ''), ')', ''), '-', ''), '.', ''), '/', '')
    WHERE phone IS NOT NULL AND REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(
        phone, '0', ''), '1', ''), '2', ''), '3', ''), '4', ''), '5', ''), '6', ''), '7', ''), '8', ''), '9', '') <> '+';
UPDATE leads SET phone = NULL
    WHERE phone IS NOT NULL AND (phone NOT LIKE '+%' OR phone LIKE '+0%' OR LENGTH(phone) NOT BETWEEN 8 AND 16
        OR REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(
            phone, '0', ''), '1', ''), '2', ''), '3', ''), '4', ''), '5', ''), '6', ''), '7', ''), '8', ''), '9', '') <> '+');
