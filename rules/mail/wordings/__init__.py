"""The wordings that mail clients write by themselves, in their languages, each with its source.

They are facts, collected from published translations and parsers of mail: Thunderbird's
`mailnews.reply_header_*` (transvision), the lists of email_reply_trimmer (Discourse),
email-reply-parser and email-forward-parser (Crisp), talon, unquotemail, mail-parser-reply and
ReplyWithHeader, and mails in public archives. A wording that is missing is one more line here.
"""
