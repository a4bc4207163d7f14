-- Events of offers, leads and cases held what customers had written; what screens show of them is read when it is sent.
UPDATE events SET data = '{}' WHERE kind IN ('offer.created', 'lead.created', 'case.updated');
